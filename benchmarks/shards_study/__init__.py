"""One retriever against several shards over the same made-up documents."""
