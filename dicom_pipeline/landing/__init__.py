"""What lies where: storage, the scan of the landing zone, manifests. Knows no Dagster."""
