"""Placeholder docstring: owner replaces."""
