"""Values of the service in the forms that clients read."""
