"""Sigma rules about networks: read by pySigma, made conditions over columns of flows and events."""
