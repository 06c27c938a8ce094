"""Conversations that the service keeps: their turns, and what is still to be erased of them."""
