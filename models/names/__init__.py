"""Domain names that an algorithm made, told from names that people made."""
