"""The config files that `ragserve init` writes: links to those at the top of the project."""
