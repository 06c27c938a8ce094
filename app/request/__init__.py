"""What one request carries from its first byte to its last."""
