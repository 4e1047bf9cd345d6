"""The whole mission played through the service: traffic, people at their terminals, kills, a recount."""
