"""Metadata for Dagster's web UI."""
