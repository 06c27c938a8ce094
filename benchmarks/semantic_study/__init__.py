"""How often a cache gives an answer to a question that it is not the answer of."""
