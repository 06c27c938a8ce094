"""`ragserve feedback`: what people say of answers."""
