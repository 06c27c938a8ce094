"""What may not be asked and not be answered: policies, applied to requests and answers."""
