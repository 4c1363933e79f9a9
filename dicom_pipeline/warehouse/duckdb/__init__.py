"""DuckDB: build database, published file, and queries on both."""
