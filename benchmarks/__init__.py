"""Measurements of the running service beside what it is compared with; each module is a command."""
