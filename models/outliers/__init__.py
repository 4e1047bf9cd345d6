"""Scores of strangeness that need no attacks to learn from."""
