"""Cleaning of texts, kept values and sequences: what remains of a value."""
