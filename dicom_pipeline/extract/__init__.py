"""From headers to the raw tables. Knows no Dagster and no dbt."""
