"""What a service keeps, copied into one file and back: documents, calibrations, control state."""
