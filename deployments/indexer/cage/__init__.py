"""Reads files in child processes: what a file makes a library do ends with the child."""
