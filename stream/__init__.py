"""The Faust application: topics, agents, checkpoints, and the embedded transport."""
