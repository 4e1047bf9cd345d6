"""What is odd about the headers of packets, by the names that rules have for it."""
