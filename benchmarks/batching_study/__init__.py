"""The parts of `python -m benchmarks.batching`: what is batched, by whom, how it is measured."""
