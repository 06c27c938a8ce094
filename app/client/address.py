"""Where a service is looked for that nobody has given the address of."""

DEFAULT_URL = "http://127.0.0.1:8000"
