"""Tests on three nodes: network namespaces of one machine, each with its own address, files and
processes. `make test-nodes` runs them, as root."""
