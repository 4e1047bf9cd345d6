"""What Numba need not load."""
