"""Assessments on the traces in MLflow, and what these traces have of questions and answers."""
