"""Where answers are kept: in a SQLite file or in Redis, which keep and forget alike."""
