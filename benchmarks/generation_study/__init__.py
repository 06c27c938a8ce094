"""Streamed answers measured: ours beside the bare engine's, and the way without an engine."""
