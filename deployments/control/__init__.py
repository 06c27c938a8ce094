"""The control plane: rollouts and their durable state, off the path of every request."""
