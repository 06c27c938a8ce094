"""What is written to MLflow, off the path of every request."""
