"""Wire forms of `/v1/files` and `/v1/vector_stores`, as OpenAI names documents and their index."""
