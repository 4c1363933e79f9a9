"""Dagster's event log storage, and retention of runs."""
