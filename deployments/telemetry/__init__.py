"""What the service counts, in Ray's metrics: Prometheus reads them from the node's metrics port."""
