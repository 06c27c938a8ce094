"""`/v1/feedback`: what people say of answers."""
