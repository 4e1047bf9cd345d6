"""Certificates that servers show in clear (TLS up to 1.2), as far as their first packet has them."""
