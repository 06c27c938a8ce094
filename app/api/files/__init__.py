"""`/v1/files` and `/v1/vector_stores`: documents and their index under OpenAI's names.

A file is a document, known by the document's id; all documents are one vector store. Nothing is
kept beside the index, so what the index cannot say is refused, with the reason.
"""
