"""Rows and columns as text, whatever they come from."""
