"""What is held of datagrams that are not whole."""
