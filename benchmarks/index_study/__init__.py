"""A large index in files: made-up documents, and replicas that search them."""
