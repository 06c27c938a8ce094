"""The index as files of the node: immutable segments, and generations that name them."""
