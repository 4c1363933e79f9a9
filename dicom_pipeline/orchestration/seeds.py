"""The seeds' content: whether the internal tables are those of the seeds as they are now.

Belongs here: digests of the seed files, and where the last built ones are noted.
Does not belong here: what the seeds mean (attributes), and building them (dbt_assets).
"""

import hashlib

import dagster as dg

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV

SEEDS_DIR = DBT_PROJECT_DIR / "seeds"
DIGEST_METADATA = "seed_digest"


def seed_digest(key: dg.AssetKey) -> str | None:
    """Digest of the file behind an internal table; None for what is not a seed.

    Of the mapping the profile chooses a column: another profile is another mapping.
    """
    path = SEEDS_DIR / f"{key.path[-1]}.csv"
    if not path.exists():
        return None
    digest = hashlib.sha256(path.read_bytes())
    if path.name == MAPPING_CSV.name:
        digest.update(load_settings().profile.encode())
    return digest.hexdigest()[:16]


def built_digest(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """Digest that the file had when the internal table was last built."""
    event = instance.get_latest_materialization_event(key)
    built = event.asset_materialization if event else None
    noted = built.metadata.get(DIGEST_METADATA) if built else None
    return str(noted.value) if noted else None
