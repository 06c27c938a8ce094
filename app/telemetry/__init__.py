"""What is kept of requests once they have ended: traces, metrics, usage, and a line in the log."""
