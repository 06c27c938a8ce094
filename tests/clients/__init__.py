"""Clients of other projects, each as its own users write it, against a running service."""
