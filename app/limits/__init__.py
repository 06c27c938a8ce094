"""How much a key and its tenant may ask, decided before any work: rates, concurrency, budgets."""
