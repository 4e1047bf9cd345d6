"""What is told to others: notices to units (通报) and warnings (预警)."""
