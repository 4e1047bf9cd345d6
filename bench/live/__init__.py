"""Traffic of our own on a wire of our own."""
