"""Rollouts as runs and registered versions in MLflow."""
