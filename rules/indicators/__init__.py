"""Indicator lists: what others know to be bad, read from files and looked for in flows and events."""
