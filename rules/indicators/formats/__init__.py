"""One file a form of list: bytes in, indicators and refused entries out."""
