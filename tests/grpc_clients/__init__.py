"""Clients of other projects that speak the Open Inference Protocol, in an environment of their
own."""
