"""Sets of records into flows of one direction."""
