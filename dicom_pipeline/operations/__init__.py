"""Procedures over all zones: run, status, purge, key rotation, locate, recovery."""
