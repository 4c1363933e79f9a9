"""Dagster only, a file a concept. Knows no pydicom."""
