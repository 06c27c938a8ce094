"""`ragserve doctor`."""
