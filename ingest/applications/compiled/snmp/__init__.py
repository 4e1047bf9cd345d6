"""SNMP as a kernel."""
