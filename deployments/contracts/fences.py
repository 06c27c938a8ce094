"""How the text of a chunk says that it begins inside of code which the chunk before began."""

CONTINUED = "continued"
"""The last word behind the fence that is opened again."""
