"""What a passage says: its blocks, its sentences, its words."""
