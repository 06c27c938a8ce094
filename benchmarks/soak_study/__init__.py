"""What the processes of a stack hold over hours under load, and whether it grows."""
