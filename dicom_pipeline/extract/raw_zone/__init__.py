"""The raw zone: parquet files, their rows, tombstones, and its mirror of a bucket."""
