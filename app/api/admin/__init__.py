"""`/admin`: what operators decide."""
