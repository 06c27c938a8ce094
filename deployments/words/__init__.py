"""What counts as a word, and when two words are the same: one reading of texts for documents and
questions, for the index of words and for whoever picks sentences."""
