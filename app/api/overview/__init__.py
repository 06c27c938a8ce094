"""Routes for what an operator wants to see at a glance."""
