"""Models over flow records: of single flows, and of what a host does in a minute."""
