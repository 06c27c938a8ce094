"""What `/openapi.json` says."""
