"""What is wrong with a machine or a cluster before anything fails, and what to do about it."""
