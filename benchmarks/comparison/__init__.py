"""Several contenders, the same requests, one of them at work at a time."""
