"""Pages for people, from files of this installation."""
