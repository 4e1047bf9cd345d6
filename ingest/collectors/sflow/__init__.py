"""Flow samples of sFlow."""
