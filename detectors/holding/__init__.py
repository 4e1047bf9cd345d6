"""Connections held open with next to nothing on them, and what directory servers answer to calls."""
