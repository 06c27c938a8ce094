"""What people say of answers: as it may be kept, and to whom it is told."""
