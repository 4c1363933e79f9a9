"""Patterns of anybody's identifiers in texts: dates, numbers, names after labels, places."""
