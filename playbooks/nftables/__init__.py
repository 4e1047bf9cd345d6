"""Blocks in the kernel's nftables, spoken to over netlink: no program and no library is needed."""
