"""Load: when requests arrive, how they are sent, and what is said about the answers."""
