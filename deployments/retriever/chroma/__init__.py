"""What Chroma holds: chunks with their vectors, documents, and what changed. It is the truth, which
the indexes of replicas follow."""
