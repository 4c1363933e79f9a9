"""Digests of the seed files, to detect internal tables that are out of date.

Belongs here: digests of the seed files, and of the files that were built last.
Does not belong here: the meaning of the seeds (mapping), building them (assets.dbt).
"""

import hashlib
from pathlib import Path

import dagster as dg

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV

SEEDS_DIR = DBT_PROJECT_DIR / "seeds"
DIGEST_METADATA = "seed_digest"


def seed_file(key: dg.AssetKey) -> Path:
    """Return the path that the file of a seed has."""
    return SEEDS_DIR / f"{key.path[-1]}.csv"


def seed_digest(key: dg.AssetKey) -> str | None:
    """Return the digest of the seed file of an internal table; None if it is not a seed.

    It includes the types of columns. The digest of the mapping includes the profile, because the
    profile selects a column of it.
    """
    path = seed_file(key)
    if not path.exists():
        return None
    digest = hashlib.sha256(path.read_bytes())
    digest.update((SEEDS_DIR / "seeds.yml").read_bytes())
    if path.name == MAPPING_CSV.name:
        digest.update(load_settings().profile.encode())
    return digest.hexdigest()[:16]


def built_digest(instance: dg.DagsterInstance, key: dg.AssetKey) -> str | None:
    """Return the digest of the seed file from which the internal table was built last."""
    event = instance.get_latest_materialization_event(key)
    built = event.asset_materialization if event else None
    digest = built.metadata.get(DIGEST_METADATA) if built else None
    return str(digest.value) if digest else None
