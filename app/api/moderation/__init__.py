"""What requests are checked for before any stage works on them, and the route that only checks."""
