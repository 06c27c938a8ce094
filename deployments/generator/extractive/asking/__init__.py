"""What a question wants: which kind of answer, in which form, about what."""
