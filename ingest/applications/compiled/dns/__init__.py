"""DNS as a kernel."""
