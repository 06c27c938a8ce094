"""The parts of `python -m benchmarks.canary`: the traffic, the rules that judge it, the runs."""
