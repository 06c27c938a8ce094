"""What a replica searches: rows, vectors and fields of all chunks, as they are in memory."""
