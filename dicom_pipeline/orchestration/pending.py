"""Which partitions need a run: derived from manifests, parquet and Dagster's events each time.

Belongs here: comparing the three, and naming a request so that it is made once.
Does not belong here: scanning (landing) and asking for the run (sensors, cli).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

from dicom_pipeline.config.settings import OnDelete
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.orchestration.partitions import STUDY_PERIOD

VERSION_METADATA = "version"
PENDING_TAG = "dicom_pipeline/pending"
_WITNESS = dg.AssetKey(["raw", "images"])
_BATCH = 500


@dataclass(frozen=True)
class Pending:
    """What is to be done.

    Attributes
    ----------
    versions
        Wanted version of each partition that needs a run.
    stored
        All keys in stored order, as they will be once ``to_add`` is added.
    to_add, to_delete
        Keys that Dagster does not know yet, and keys that are gone.
    """

    versions: dict[str, str]
    stored: list[str]
    to_add: list[str]
    to_delete: list[str]

    @property
    def digest(self) -> str:
        """Names this very set of partitions and versions; holds no date."""
        text = "\n".join(f"{key}={version}" for key, version in sorted(self.versions.items()))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def known_versions(instance: dg.DagsterInstance, keys: Sequence[str]) -> dict[str, str]:
    """Version at which Dagster knows each partition: that of its latest materialization."""
    known: dict[str, str] = {}
    for i in range(0, len(keys), _BATCH):
        wanted = set(keys[i : i + _BATCH])
        cursor: str | None = None
        while wanted:
            page = instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=_WITNESS, asset_partitions=sorted(wanted)),
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
    """Partitions whose parquet, or whose event, is not that of their manifest."""
    partitions = ingest.partitions
    wanted = partitions.wanted_versions()
    raw = partitions.raw
    state = ingest.manifests.read_state()
    if state is not None and state.complete and ingest.settings.on_delete is OnDelete.REMOVE:
        # parquet whose manifest is gone: its files are in other partitions now, or nowhere
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
