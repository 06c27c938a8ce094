"""Who may use the service: tenants, their keys, and what each of them may do."""
