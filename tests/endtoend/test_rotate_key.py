"""Key rotation rebuilds all tables; no file contains pseudonyms of two keys."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import time
from pathlib import Path

import pytest

from dicom_pipeline.deid.keys import derive
from dicom_pipeline.warehouse.vault import known_key_id, vault_path
from tests.support.project import copy_project
from tests.warehouse.oracle import Oracle

from . import subjects
from .conftest import Site, files_read
from .subjects import REMAINING_ID

OTHER = bytes(range(30, 80))


def own_key(site: Site) -> Path:
    return site.root / "warehouse" / "pseudonym.key"


def vaults(site: Site) -> str | None:
    return known_key_id(site.root / "warehouse")


def patient_keys(site: Site) -> set[str]:
    return {key for (key,) in site.ask("select patient_key from processed.processed_patients")}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Site with its own key; tests work on copies of it."""
    site = Site(tmp_path_factory.mktemp("loaded") / "site")
    subjects.write(site.landing)
    site.run()
    return site


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Site with the same files, loaded with the other key from the start."""
    site = Site(tmp_path_factory.mktemp("other") / "site")
    subjects.write(site.landing)
    site.run(DICOM_PSEUDONYM_KEY=OTHER.hex())
    return site


@pytest.fixture
def site(loaded: Site, tmp_path: Path) -> Site:
    shutil.copytree(loaded.root, tmp_path / "site")
    return Site(tmp_path / "site")


def test_rotation_creates_a_key_and_rebuilds_and_publishes_all_tables(site: Site) -> None:
    before, old, raw = site.content(), own_key(site).read_text(), raw_files(site)
    assert "--yes" in site.command("rotate-key", code=3)  # nobody can be asked here
    assert own_key(site).read_text() == old
    output = site.command("rotate-key", "--yes")
    new = own_key(site).read_text()
    assert new != old
    assert stat.S_IMODE(own_key(site).stat().st_mode) == 0o600
    assert files_read(output) == 0
    assert f"key {derive(old).key_id} is replaced by {derive(new).key_id}" in output
    assert "no longer join" in output
    assert "processed.processed_images  11" in output
    assert old.strip() not in output
    assert new.strip() not in output
    oracle = Oracle(bytes.fromhex(new))
    assert oracle.patient_key(REMAINING_ID) in patient_keys(site)
    after = site.content()
    for table in ("processed.processed_images", "processed.processed_patients"):
        assert len(after[table]) == len(before[table])
        assert not set(after[table]) & set(before[table])
    assert raw_files(site) == raw
    # no database page contains pseudonyms of the old key
    gone = Oracle(bytes.fromhex(old)).patient_key(REMAINING_ID).encode()
    assert gone not in (site.root / "warehouse" / "build.duckdb").read_bytes()
    assert gone not in site.database.read_bytes()
    vault = vault_path(site.root / "warehouse").read_bytes()
    assert Oracle(bytes.fromhex(new)).ki.encode() in vault
    assert Oracle(bytes.fromhex(old)).ki.encode() not in vault
    assert sorted(p.name for p in (site.root / "warehouse").iterdir()) == [
        "build.duckdb", "build.duckdb.checked", "build.duckdb.sources", "last_run.json",
        "leak_findings.parquet", "partial_parse.msgpack",
        "pseudonym.key", "vault.duckdb", "writer.lock",
    ]  # fmt: skip


def raw_files(site: Site) -> dict[str, bytes]:
    return {
        str(path.relative_to(site.root)): path.read_bytes()
        for path in (site.root / "raw").rglob("*.parquet")
    }


def test_rotation_to_a_key_from_a_file_gives_the_tables_of_that_key(
    site: Site, other: Site, tmp_path: Path
) -> None:
    file = tmp_path / "new.key"
    file.write_text("00" * 32)
    before = site.content(), own_key(site).read_text(), vaults(site)
    assert "random" in site.command("rotate-key", "--key-file", str(file), "--yes", code=2)
    assert (site.content(), own_key(site).read_text(), vaults(site)) == before
    assert (site.root / "warehouse" / "build.duckdb").exists()
    file.write_text(OTHER.hex())
    site.command("rotate-key", "--key-file", str(file), "--yes")
    assert own_key(site).read_text().strip() == OTHER.hex()
    assert site.content() == other.content()
    # a second time there is nothing to do
    site.command("rotate-key", "--key-file", str(file), "--yes", code=3)
    assert files_read(site.run()) == 0
    assert site.content() == other.content()


def test_only_rotation_replaces_a_missing_key(site: Site) -> None:
    own_key(site).unlink()
    assert "rotate-key" in site.command("run", code=2)
    assert not own_key(site).exists()
    old = vaults(site)
    output = site.command("rotate-key", "--yes")
    assert f"key {old} is replaced by {vaults(site)}" in output
    assert files_read(site.run()) == 0


def test_rotation_uses_a_new_key_from_the_settings(site: Site, other: Site) -> None:
    first = own_key(site).read_text().strip()
    own_key(site).unlink()
    told = site.command("rotate-key", "--yes", code=3, DICOM_PSEUDONYM_KEY=first)
    assert "DICOM_PSEUDONYM_KEY" in told
    assert "openssl rand -hex 32" in told
    assert first not in told
    new = {"DICOM_PSEUDONYM_KEY": OTHER.hex()}
    refused = site.command("rotate-key", "--key-file", "x", "--yes", code=3, **new)
    assert "DICOM_PSEUDONYM_KEY" in refused
    assert "rotate-key" in site.command("run", code=2, **new)
    site.command("rotate-key", "--yes", **new)
    assert site.content() == other.content()
    assert not own_key(site).exists()
    assert "DICOM_PSEUDONYM_KEY" in site.command("rotate-key", "--yes", code=3, **new)


def test_a_run_completes_a_rotation_that_was_killed_before_the_build(
    site: Site, other: Site, tmp_path: Path
) -> None:
    """The build database never contains rows of two keys."""
    published, old = site.content(), vaults(site)
    file = tmp_path / "new.key"
    file.write_text(OTHER.hex())
    kill_after_the_key_changed(site, "--key-file", str(file))
    assert site.content() == published
    assert not (site.root / "warehouse" / "build.duckdb").exists()
    assert files_read(site.run()) == 0
    assert vaults(site) == derive(OTHER.hex()).key_id != old
    assert own_key(site).read_text().strip() == OTHER.hex()
    assert site.content() == other.content()


@pytest.mark.slow  # the test above completes a killed rotation in the other way
def test_another_rotation_succeeds_after_one_was_killed_before_the_build(site: Site) -> None:
    published = site.content()
    kill_after_the_key_changed(site)
    assert site.content() == published
    site.command("rotate-key", "--yes")
    key = Oracle(bytes.fromhex(own_key(site).read_text()))
    assert derive(own_key(site).read_text()).key_id == vaults(site)
    assert key.patient_key(REMAINING_ID) in patient_keys(site)
    assert {len(rows) for rows in site.content().values()} == {
        len(rows) for rows in published.values()
    }


def kill_after_the_key_changed(site: Site, *arguments: str) -> None:
    """Kill the command as soon as the vault has another key."""
    old, vault = vaults(site), site.root / "warehouse" / "vault.duckdb"
    before = vault.stat().st_ino
    process = site.start("rotate-key", "--yes", *arguments)
    deadline = time.monotonic() + 120
    while vault.stat().st_ino == before:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert vaults(site) != old


def test_a_run_completes_a_rotation_that_failed_in_dbt(
    site: Site, other: Site, tmp_path: Path
) -> None:
    published = site.content()
    broken = Site(site.root, copy_project(tmp_path / "project"))
    model = broken.project / "dbt_snowflake" / "models" / "processed" / "processed_studies.sql"
    model.write_text(model.read_text().replace("patient_counts as (", "patient_counts as (no sql"))
    file = tmp_path / "new.key"
    file.write_text(OTHER.hex())
    output = broken.command("rotate-key", "--key-file", str(file), "--yes", code=1)
    assert "still built with the old key" in output
    assert site.content() == published
    assert files_read(site.run()) == 0
    assert site.content() == other.content()


def test_a_rotation_before_the_first_run_is_refused(tmp_path: Path) -> None:
    fresh = Site(tmp_path / "fresh")
    assert "dicom-pipeline run" in fresh.command("rotate-key", "--yes", code=3)
    assert not (fresh.root / "warehouse" / "pseudonym.key").exists()
