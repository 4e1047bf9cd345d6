"""Application layers: streams and datagrams in, transactions with named buffers out (`tables`)."""
