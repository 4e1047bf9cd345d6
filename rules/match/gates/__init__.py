"""Headers of all rules against all pairs of endpoints, compiled: which rules a packet can be of at all."""
