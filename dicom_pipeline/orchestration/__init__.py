"""Everything that uses Dagster: assets, checks, jobs, sensors, storage; no pydicom, no DuckDB."""
