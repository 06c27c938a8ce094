"""What limits cost, and whether they hold: over several processes, under load and under kills."""
