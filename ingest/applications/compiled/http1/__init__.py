"""SMB 1 to 3 as kernels."""
