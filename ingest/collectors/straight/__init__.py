"""Records of templates without surprises: every field of fixed length, of a plain kind, and told once."""
