"""MLflow's server: how it is reached, what it refuses, and what waits for it."""
