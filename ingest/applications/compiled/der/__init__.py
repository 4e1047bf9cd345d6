"""DER in kernels."""
