"""`/v1/ingestions`: documents that are read after the request that brought them was answered."""
