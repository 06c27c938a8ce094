"""Search over the vector store, and the list of documents."""
