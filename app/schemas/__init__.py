"""The wire forms, one module per family; every field documented with an example."""
