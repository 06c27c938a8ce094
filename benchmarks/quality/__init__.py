"""How good what is found and what is answered is, measured on judged questions."""
