"""What it costs that tenants share an index."""
