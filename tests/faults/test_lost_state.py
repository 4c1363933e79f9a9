"""Deleted derived data are restored, without reading files whose rows are in the parquet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance

from dicom_pipeline.orchestration.pending_partitions import known_versions
from tests.endtoend.conftest import Site, files_read

from .conftest import Faults
from .runs import Run, error_line
from .watch import Watch


@pytest.mark.slow
def test_all_events_are_restored_after_dagsters_storage_was_deleted(
    unchanged: Site, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(unchanged.root / "dagster"))

    def events() -> tuple[dict[str, str], set[AssetKey]]:
        with DagsterInstance.from_config(str(unchanged.root / "dagster")) as instance:
            periods = instance.get_dynamic_partitions("study_period")
            known = known_versions(instance, periods)
            keys = {
                key
                for key in instance.all_asset_keys()
                if instance.get_latest_materialization_event(key)
            }
            return known, keys

    before = events()
    assert len(before[0]) >= 10
    shutil.rmtree(unchanged.root / "dagster")
    with Watch(unchanged.database) as watch:
        output = faults.recover("Dagster's storage deleted", unchanged, watch)
    assert files_read(output) == 0
    assert events() == before


@pytest.mark.slow
@pytest.mark.parametrize("state", ["loaded", "unchanged"])
def test_deleted_manifests_are_rebuilt(
    state: str, request: pytest.FixtureRequest, faults: Faults
) -> None:
    site: Site = request.getfixturevalue(state)
    shutil.rmtree(site.root / "raw" / "manifests")
    with Watch(site.database) as watch:
        output = faults.recover("manifests deleted", site, watch)
    assert files_read(output) == (17 if state == "loaded" else 0)


@pytest.mark.slow
@pytest.mark.parametrize("what", ["warehouse/build.duckdb", "published/dicom.duckdb", "raw"])
def test_deleted_derived_data_are_rebuilt(what: str, unchanged: Site, faults: Faults) -> None:
    place = unchanged.root / what
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    output = faults.recover(f"{Path(what).name} deleted", unchanged)
    assert files_read(output) == (74 if what == "raw" else 0)


@pytest.mark.slow
@pytest.mark.parametrize("vault", [True, False])
def test_a_run_without_its_key_stops_and_replaces_nothing(
    vault: bool, loaded: Site, faults: Faults
) -> None:
    warehouse = loaded.root / "warehouse"
    key = warehouse / "pseudonym.key"
    key.rename(loaded.root / "key")
    if not vault:
        (warehouse / "vault.duckdb").unlink()
    published = loaded.database.stat()
    version = (published.st_ino, published.st_mtime_ns)
    with Watch(loaded.database) as watch:
        line = error_line(Run(loaded).ends_with(2))
        for word in ("is missing", "DICOM_PSEUDONYM_KEY", "pseudonym.key", "rotate-key"):
            assert word in line
        assert not key.exists()
        now = loaded.database.stat()
        assert (now.st_ino, now.st_mtime_ns) == version
        (loaded.root / "key").rename(key)
        faults.recover("key deleted, then put back", loaded, watch)


def test_a_first_run_whose_key_was_deleted_stops_and_creates_no_key(
    site: Site, faults: Faults
) -> None:
    site.put("CT_small.dcm")
    site.command("prepare")
    (site.root / "warehouse" / "pseudonym.key").unlink()
    line = error_line(Run(site).ends_with(2))
    assert "rotate-key" in line
    assert not (site.root / "warehouse" / "pseudonym.key").exists()
    faults.record_refusal("key deleted before the end of the first run")
