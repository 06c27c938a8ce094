"""Which release serves a request."""
