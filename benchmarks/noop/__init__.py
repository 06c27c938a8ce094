"""The whole graph with stages that do no work: what is left is the way through it."""
