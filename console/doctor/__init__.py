"""What Citywall needs, looked at one by one before anybody misses it."""
