"""What steps can do: one file and one line in the registry each."""
