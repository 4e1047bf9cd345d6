"""Flow logs written by other tools (Zeek, Argus), read into the same batches that the meter makes."""
