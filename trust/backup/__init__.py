"""A data folder in one file, and back again: what was kept is proven by its hashes, not believed."""
