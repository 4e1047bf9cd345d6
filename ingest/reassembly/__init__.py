"""TCP streams put together in order, and datagrams by flow: packet rows in, pieces of streams out."""
