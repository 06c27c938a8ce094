"""`/v1/documents`: what is in the index."""
