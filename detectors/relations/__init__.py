"""Who deals with whom: records of relations, of what one source spreads to, of what a segment announces."""
