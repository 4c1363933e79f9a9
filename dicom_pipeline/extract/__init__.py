"""Extraction of headers into the raw tables; independent of Dagster and dbt."""
