"""Rows of what is to be told, put in order."""
