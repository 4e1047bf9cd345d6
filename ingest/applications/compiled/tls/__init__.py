"""TLS as a kernel."""
