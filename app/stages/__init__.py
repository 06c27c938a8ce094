"""The deployments as the gateway sees them: typed clients over Ray's handles."""
