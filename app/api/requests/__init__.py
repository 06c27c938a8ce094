"""What all routes do with a request: its body, its caller, what it may use, what it ends with."""
