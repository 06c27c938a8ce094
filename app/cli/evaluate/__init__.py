"""What a running service makes of a set of questions, release beside release."""
