"""Metadata that the Dagster UI shows."""
