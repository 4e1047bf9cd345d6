"""Many arrays as one argument."""
