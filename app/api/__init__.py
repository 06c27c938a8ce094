"""One module per resource; routes are short and speak to the pipeline."""
