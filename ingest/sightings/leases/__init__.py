"""What DHCP messages say of who asks for which address."""
