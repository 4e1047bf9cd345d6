"""Flow exports: NetFlow v5 and v9, IPFIX and sFlow v5, from datagrams to columns; and the UDP collector."""
