"""Pages and nodes: bytes and small facts that are kept of flows."""
