"""Batches of work: their files, their lines, who works on which, and what came of each."""
