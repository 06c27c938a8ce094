"""From a question to its answer: no HTTP, no Ray."""
