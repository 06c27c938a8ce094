"""Searching by words: BM25 over what replicas have of the texts."""
