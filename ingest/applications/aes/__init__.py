"""AES with a key of 128 bits, as much of it as packets with keys that everybody can know ask for."""
