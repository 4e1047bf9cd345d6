"""The programs we are measured against, one file each. A peer's library is imported only where it runs."""
