"""What keys and tenants have spent of their budgets: the one truth, in the database."""
