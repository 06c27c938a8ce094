"""Everything `serve_config.yaml` may say to the gateway, and the check of a whole file."""
