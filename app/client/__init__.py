"""Talks to a running service over HTTP."""
