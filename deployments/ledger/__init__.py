"""What the gateway served, in the database: usage for ever, the rest until nobody needs it."""
