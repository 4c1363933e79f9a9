"""Snowflake: session, load, build and publication."""
