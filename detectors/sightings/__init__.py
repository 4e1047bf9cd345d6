"""What applications say, kept by whom it is about, for detectors of names, log-ins and the web."""
