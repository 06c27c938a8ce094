"""Searches per second and their latency, and whether they see what was written."""
