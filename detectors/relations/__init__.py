"""Who deals with whom: records of relations, of what one source spreads to, and of what a segment announces."""
