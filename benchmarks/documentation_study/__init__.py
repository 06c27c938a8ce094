"""Questions over technical documentation, and how answers to them are judged."""
