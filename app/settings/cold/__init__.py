"""Settings that take new replicas to change."""
