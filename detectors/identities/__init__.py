"""Who proves who he is, who hands out addresses, and which machine is where, kept by whom it is about."""
