"""Environment variables to settings."""
