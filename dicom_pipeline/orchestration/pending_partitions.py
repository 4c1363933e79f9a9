"""Pending partitions: derived from manifests, parquet files and Dagster's events each time.

Belongs here: comparing the three, and a digest that identifies a request.
Does not belong here: scanning (landing), requesting the run (sensors, command_job).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.orchestration.partition_range import STUDY_PERIOD

VERSION_METADATA = "version"
PENDING_TAG = "dicom_pipeline/pending"
# all raw tables of a partition are materialized together: the events of one table are sufficient
_IMAGES = dg.AssetKey(["raw", "images"])
_BATCH = 500


@dataclass(frozen=True)
class Pending:
    """Pending partitions, and changes to the partition keys that Dagster stores.

    Attributes
    ----------
    versions
        Expected version of each partition that needs a run.
    stored
        All keys in stored order, including ``to_add``.
    to_add, to_delete
        Keys to add to Dagster, and keys of which no files are left.
    """

    versions: dict[str, str]
    stored: list[str]
    to_add: list[str]
    to_delete: list[str]

    @property
    def digest(self) -> str:
        """Digest of the partitions and their versions."""
        text = "\n".join(f"{key}={version}" for key, version in sorted(self.versions.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def known_versions(instance: dg.DagsterInstance, keys: Sequence[str]) -> dict[str, str]:
    """Return the version in the latest materialization of each partition.

    Partitions without materialization are missing in the result.
    """
    known: dict[str, str] = {}
    for i in range(0, len(keys), _BATCH):
        wanted = set(keys[i : i + _BATCH])
        cursor: str | None = None
        while wanted:
            page = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=_IMAGES, asset_partitions=sorted(wanted)),
                limit=1000,
                cursor=cursor,
            )
            for record in page.records:
                materialization = record.asset_materialization
                if record.partition_key in wanted and materialization is not None:
                    wanted.discard(record.partition_key)
                    version = materialization.metadata.get(VERSION_METADATA)
                    if version is not None:
                        known[record.partition_key] = str(version.value)
            if not page.has_more:
                break
            cursor = page.cursor
    return known


def find_pending(ingest: Ingest, instance: dg.DagsterInstance) -> Pending:
    """Return the partitions whose parquet files or event differ from the version of the manifest.

    Parameters
    ----------
    ingest
        Manifests and raw zone.
    instance
        Dagster's instance with the events.
    """
    partitions = ingest.partitions
    wanted = partitions.wanted_versions()
    raw = partitions.raw
    state = ingest.manifests.read_state()
    if state is not None and state.complete and ingest.settings.on_delete is OnDelete.REMOVE:
        # parquet files without manifest: their source files were moved or deleted
        wanted |= {
            key: partitions.version_without_files for key in raw.periods() if key not in wanted
        }
    stored = list(instance.get_dynamic_partitions(STUDY_PERIOD))
    to_add = sorted(set(wanted) - set(stored))
    known = known_versions(instance, [key for key in stored if key in wanted])
    versions = {
        key: version
        for key, version in wanted.items()
        if raw.version(key) != version or known.get(key) != version
    }
    return Pending(
        versions=versions,
        stored=[*stored, *to_add],
        to_add=to_add,
        to_delete=sorted(set(stored) - set(wanted)),
    )
