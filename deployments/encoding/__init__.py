"""The sentence-transformers model that embedder and reranker share."""
