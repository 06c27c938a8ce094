"""Figures of releases as runs in MLflow."""
