"""Matching: the prefilter, the exact check of a buffer, and what rules keep in mind."""
