"""Conversations that the service keeps: what goes with the next question, and how its turn is
written down."""
