"""Synthetic captures of any length: stationary traffic, the same bytes for the same seed."""
