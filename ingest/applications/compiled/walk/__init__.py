"""The walk over the pieces of a batch."""
