"""Settings that replicas take up while they run."""
