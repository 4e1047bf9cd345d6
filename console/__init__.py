"""The `citywall` command: what users type, and what they read."""
