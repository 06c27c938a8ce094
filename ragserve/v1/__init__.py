"""ragserve's own contract over gRPC: `rag.proto`, and the code that is generated from it."""
