"""Creating and upgrading a project directory."""
