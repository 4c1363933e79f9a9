"""Create and upgrade a project directory."""
