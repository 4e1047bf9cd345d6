"""What the first bytes of a connection look like."""
