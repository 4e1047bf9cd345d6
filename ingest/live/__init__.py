"""Live traffic of a network interface: a packet ring shared with the kernel, and blocks sealed from it."""
