"""What is kept of hosts that fragments come to."""
