"""From fragments to the datagram."""
