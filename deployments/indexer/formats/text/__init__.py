"""Text: its encoding, and the formats that are text."""
