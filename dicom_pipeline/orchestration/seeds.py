"""The seeds' content: whether the internal tables are those of the seeds as they are now.

Belongs here: digests of the seed files, and where the last built ones are noted.
Does not belong here: what the seeds mean (attributes), and building them (dbt_assets).
"""

import hashlib

import dagster as dg

from dicom_pipeline.settings import DBT_PROJECT_DIR

SEEDS_DIR = DBT_PROJECT_DIR / "seeds"
DIGEST_METADATA = "seed_digest"


def seed_digest(key: dg.AssetKey) -> str | None:
    """Digest of the file behind an internal table; None for what is not a seed."""
    path = SEEDS_DIR / f"{key.path[-1]}.csv"
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else None


def built_digest(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """Digest that the file had when the internal table was last built."""
    event = instance.get_latest_materialization_event(key)
    built = event.asset_materialization if event else None
    noted = built.metadata.get(DIGEST_METADATA) if built else None
    return str(noted.value) if noted else None
