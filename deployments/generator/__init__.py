"""The answer, written from the retrieved context."""
