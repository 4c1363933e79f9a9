"""Landing zone: storage, scan and manifests. Does not depend on Dagster."""
