"""Which exporter and domain each datagram belongs to, and how much room its sets may need."""
