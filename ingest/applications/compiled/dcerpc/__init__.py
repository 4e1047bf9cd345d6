"""DCE/RPC as a kernel."""
