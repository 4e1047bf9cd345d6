"""What is usual over hours and days: failing contacts, request rates, volumes, bulk jobs, sources of flows."""
