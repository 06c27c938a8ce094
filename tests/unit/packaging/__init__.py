"""What is handed out: the wheel, its dependencies, and where they come from."""
