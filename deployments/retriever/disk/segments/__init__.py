"""Segments: rows that never change, as mapped arrays, and how they are written and merged."""
