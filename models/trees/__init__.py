"""Trees as flat arrays: compiled from scikit-learn's, scored by one kernel, bit for bit the same."""
