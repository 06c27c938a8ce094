"""Where documents come from beside this machine's folders: each place is a folder here, refreshed
from there."""
