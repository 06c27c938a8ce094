"""Who asks, found out before a body is read: keys and tokens become a `Principal`."""
