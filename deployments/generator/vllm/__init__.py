"""vLLM in the replica, as an engine."""
