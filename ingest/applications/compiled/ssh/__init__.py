"""SSH as a kernel."""
