"""gRPC: the calls of `ragserve/v1` and `ragserve/inference` over what the HTTP routes stand on."""
