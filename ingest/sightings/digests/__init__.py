"""MD5 and SHA-256 in kernels: of what is found while packets are read."""
