"""Which text may leave a process: what is kept of it, and what is taken out."""
