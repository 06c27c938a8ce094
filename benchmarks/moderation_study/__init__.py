"""What moderation of streams leaks, costs and holds, and what it refuses wrongly."""
