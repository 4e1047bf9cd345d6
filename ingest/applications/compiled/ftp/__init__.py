"""FTP as a kernel."""
