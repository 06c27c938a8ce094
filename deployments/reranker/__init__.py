"""Relevance of passages to a query."""
