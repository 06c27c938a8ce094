"""What the check of a whole file looks at beyond the settings themselves."""
