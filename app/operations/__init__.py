"""What operators ask for: calibration and reindexing."""
