"""What replicas tell the tracker: usage, figures by minute and samples of queries."""
