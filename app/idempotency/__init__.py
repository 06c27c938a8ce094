"""Requests that may be sent again: the work is done once, and all who ask get its answer."""
