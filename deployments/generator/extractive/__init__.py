"""Answers with the sentences of the context, as an engine without a language model."""
