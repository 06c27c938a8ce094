"""Answers that are judged after they went out: how far they rest on their passages, and whether
they answer the question."""
