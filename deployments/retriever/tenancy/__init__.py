"""Whose the rows of an index are: names, what a row says of it, and sets of rows by tenant."""
