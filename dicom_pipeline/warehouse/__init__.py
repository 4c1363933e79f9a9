"""The vault, the build database's neighbours and the published file. Knows no Dagster."""
