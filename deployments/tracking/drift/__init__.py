"""Have the questions changed? Samples, their comparison, and its notes in MLflow."""
