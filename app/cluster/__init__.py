"""A Ray cluster, asked over its dashboard: what is deployed there, and what of it runs."""
