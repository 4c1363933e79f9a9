"""Snowflake: session, load, build, publication."""
