"""Requests as traces: which are kept, and what their spans say."""
