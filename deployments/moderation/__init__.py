"""Finds in texts what may not be said, also while they are written: pure, of no framework."""
