"""What keeping traces, usage and figures costs a request, and whether anything of it is lost."""
