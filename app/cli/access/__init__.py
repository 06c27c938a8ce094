"""The verbs for tenants, keys and the audit log."""
