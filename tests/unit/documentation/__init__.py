"""The README and the guide, read by tests."""
