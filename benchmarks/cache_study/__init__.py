"""What a response cache gains and costs on a running service, and whether it is ever old."""
