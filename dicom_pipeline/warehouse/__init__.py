"""Warehouse: vault, build database, leak check, publication; independent of Dagster."""
