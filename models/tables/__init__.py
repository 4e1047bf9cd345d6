"""Public tables of labelled connections, as far as they are read: NSL-KDD."""
