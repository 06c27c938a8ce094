"""Where rates and places are counted: in memory, SQLite or Redis, all of which decide alike."""
