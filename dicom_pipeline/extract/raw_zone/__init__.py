"""The raw zone: parquet files, their rows, tombstones, and the local copy of a bucket."""
