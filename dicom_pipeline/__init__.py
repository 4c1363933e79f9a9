"""DICOM files to typed, de-identified, joinable tables in DuckDB or Snowflake."""

__version__ = "0.1.0"
