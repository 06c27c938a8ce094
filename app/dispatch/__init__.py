"""Releases compared while they serve: who was drawn answers, and what became of it is evidence."""
