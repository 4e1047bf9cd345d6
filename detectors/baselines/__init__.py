"""What is usual over hours and days: failing contacts, rates, volumes, jobs, sources of flows."""
