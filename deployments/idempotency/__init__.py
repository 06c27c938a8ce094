"""What was answered to requests that may be sent again: each under a key of its client's."""
