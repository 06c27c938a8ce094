"""The HTTP edge: schemas, routes, errors, the pipeline of one answer, and the command line."""
