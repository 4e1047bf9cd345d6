"""Registered portals: pages fetched and read, told in records, compared with what is known of them."""
