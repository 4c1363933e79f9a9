"""DuckDB: build database, published file, queries on both."""
