"""Document ingestion: files become documents, documents become chunks that fit the embedder."""
