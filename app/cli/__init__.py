"""The command line: one module per verb, which parses, calls the code that works, and prints."""
