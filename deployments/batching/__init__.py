"""Dynamic micro-batching without Ray and without torch."""
