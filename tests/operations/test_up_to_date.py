"""A run has nothing to do only if its inputs and its results are unchanged."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace as replace_fields
from importlib import metadata
from pathlib import Path

import pytest

from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.extract.reconciliation import FileCounts
from dicom_pipeline.operations import up_to_date
from dicom_pipeline.operations.up_to_date import find_last_run, record_last_run
from dicom_pipeline.workspace import Workspace
from tests.support.dicom import instance
from tests.support.inline_pool import inline_pool

SOURCES = "digest of the dbt project"


def workspace_of(root: Path, **environment: str) -> Workspace:
    zones = {
        "DICOM_LANDING_URI": "landing",
        "DICOM_RAW_URI": "raw",
        "DICOM_WAREHOUSE_DIR": "warehouse",
        "DBT_DATABASE_NAME": "published.duckdb",
    }
    chosen = {name: str(root / folder) for name, folder in zones.items()}
    return Workspace(load_settings(chosen | {"DICOM_MIN_FILE_AGE_SECONDS": "0"} | environment))


def step(workspace: Workspace) -> FileCounts:
    workspace.warehouse.prepare()
    workspace.ingest.scan()
    with inline_pool():
        list(workspace.ingest.raw_step().refresh(workspace.ingest.manifests.periods()))
    return workspace.ingest.reconcile()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Zones after a run; the build database and the published file are arbitrary files."""
    workspace = workspace_of(tmp_path)
    workspace.settings.landing_dir.mkdir()
    for n in range(3):
        (workspace.settings.landing_dir / str(n)).write_bytes(instance(n))
    (workspace.settings.landing_dir / "text").write_bytes(b"text")
    counts = step(workspace)
    workspace.warehouse.build_database.write_bytes(b"build")
    workspace.settings.database.write_bytes(b"published")
    record_last_run(workspace, SOURCES, counts)
    return tmp_path


def test_a_run_and_another_scan_leave_nothing_to_do(root: Path) -> None:
    workspace = workspace_of(root)
    workspace.warehouse.prepare()
    workspace.ingest.scan()
    found = find_last_run(workspace, SOURCES)
    assert found is not None
    assert found.counts == FileCounts(discovered=4, loaded=3, rejected=Counter(not_dicom=1))


def touch(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (path,) = root.glob(name)
        os.utime(path, ns=(0, 0))

    return change


def add(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).write_bytes(b"")
        workspace_of(root).ingest.scan()

    return change


def replace(name: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        # same bytes and times, different inode
        subprocess.run(["cp", "-p", root / name, root / "other"], check=True)
        (root / "other").replace(root / name)

    return change


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(touch("raw/images/study_period=2012-03/data.parquet"), id="raw rows"),
        pytest.param(touch("raw/manifests/study_period=2012-03.parquet"), id="a manifest"),
        pytest.param(touch("warehouse/build.duckdb"), id="build database"),
        pytest.param(touch("published.duckdb"), id="published file"),
        pytest.param(replace("published.duckdb"), id="published file replaced"),
        pytest.param(
            lambda root: (root / "published.duckdb").unlink(), id="published file deleted"
        ),
        pytest.param(
            lambda root: (root / "warehouse/build.duckdb").unlink(), id="build database deleted"
        ),
        pytest.param(add("landing/.hidden"), id="a name that is ignored"),
        pytest.param(
            lambda root: (root / "raw/more").write_bytes(b""), id="a file in the raw zone"
        ),
        pytest.param(
            lambda root: (root / "warehouse/last_run.json").write_text('{"digest": 3}'),
            id="an invalid record",
        ),
    ],
)
def test_a_change_to_what_the_run_left_needs_another_run(
    root: Path, change: Callable[[Path], None]
) -> None:
    assert find_last_run(workspace_of(root), SOURCES) is not None
    change(root)
    assert find_last_run(workspace_of(root), SOURCES) is None


def test_other_settings_and_other_sources_need_another_run(root: Path) -> None:
    assert find_last_run(workspace_of(root, DICOM_DEID_PROFILE="strict"), SOURCES) is None
    assert find_last_run(workspace_of(root), "another project") is None


def test_changing_settings_that_affect_no_table_triggers_no_run(root: Path) -> None:
    changed = workspace_of(
        root,
        DICOM_ALERT_WEBHOOK="https://hooks.example/x",
        DICOM_LANDING_FRESHNESS_HOURS="24",
        DICOM_RUN_RETENTION_DAYS="7",
    )
    assert find_last_run(changed, SOURCES) is not None


def test_an_incomplete_run_is_not_recorded(root: Path) -> None:
    workspace = workspace_of(root)
    (root / "warehouse/last_run.json").unlink()
    for counts in (
        FileCounts(discovered=2, loaded=1, pending=1),
        FileCounts(discovered=2, loaded=1, lost=1),
        FileCounts(discovered=1, loaded=1, stale_partitions=1),
    ):
        record_last_run(workspace, SOURCES, counts)
        assert find_last_run(workspace, SOURCES) is None


def test_the_record_contains_counts_only(root: Path) -> None:
    note = (root / "warehouse/last_run.json").read_text()
    assert str(root) not in note
    assert "2012" not in note.replace(os.linesep, "").split('"counts"')[1]
    assert (root / "warehouse/last_run.json").stat().st_mode & 0o077 == 0


def test_after_an_incomplete_scan_another_run_is_needed(root: Path) -> None:
    manifests = workspace_of(root).ingest.manifests
    state = manifests.read_state()
    assert state is not None and state.complete
    manifests.write_state(replace_fields(state, complete=False))
    assert find_last_run(workspace_of(root), SOURCES) is None
    manifests.write_state(replace_fields(state, unsettled=1))
    assert find_last_run(workspace_of(root), SOURCES) is None
    manifests.write_state(state)
    assert find_last_run(workspace_of(root), SOURCES) is not None


def test_other_code_and_other_packages_need_another_run(
    root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    shutil.copytree(up_to_date.PACKAGE_DIR, package)
    monkeypatch.setattr(up_to_date, "PACKAGE_DIR", package)
    assert find_last_run(workspace_of(root), SOURCES) is not None
    path = package / "headers" / "reader.py"
    text = path.read_text()
    path.write_text(text + "# a comment\n")
    assert find_last_run(workspace_of(root), SOURCES) is None
    path.write_text(text)
    version = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version(name) + ".1")
    assert find_last_run(workspace_of(root), SOURCES) is None
