"""What a store stands on that all replicas share: one thread, a file or a server, and a circuit for
when it is away."""
