"""Purge: remove patients and studies from all zones."""
