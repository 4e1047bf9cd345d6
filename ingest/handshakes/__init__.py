"""TLS handshakes that take several packets, put together: long hellos of clients, certificates of servers."""
