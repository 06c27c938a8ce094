"""Which model `auto` stands for, by rules and by what is known of the models at this moment."""
