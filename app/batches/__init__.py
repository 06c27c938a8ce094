"""Work on batches inside a gateway replica: lines are asked of the application like requests, at
moments when nobody waits for others."""
