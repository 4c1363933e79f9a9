"""Landing zones that are not mounted, or change during reading."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from tests.endtoend.archive import write_instances
from tests.endtoend.conftest import Site

from .conftest import Faults, SiteFactory
from .mounts import unmounted
from .runs import Run, error_line
from .watch import Watch


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "scan"])
def test_an_unmounted_landing_zone_is_not_a_mass_deletion(
    command: str, loaded: Site, faults: Faults
) -> None:
    with Watch(loaded.database) as watch:
        with unmounted(loaded.landing):
            line = error_line(Run(loaded, command).ends_with(3))
            assert "known files are gone from the landing zone" in line
            assert "dicom-pipeline scan --accept-deletions" in line
        loaded.landing.rename(loaded.root / "away")
        assert "whether it is mounted" in error_line(Run(loaded, command).ends_with(3))
        (loaded.root / "away").rename(loaded.landing)
        faults.recover("landing zone not mounted", loaded, watch)


@pytest.mark.slow
def test_an_unmounted_landing_zone_is_not_a_mass_deletion_without_manifests(
    loaded: Site, faults: Faults
) -> None:
    shutil.rmtree(loaded.root / "raw" / "manifests")
    with Watch(loaded.database) as watch:
        with unmounted(loaded.landing):
            assert "known files are gone" in error_line(Run(loaded).ends_with(3))
        faults.recover("landing zone not mounted, manifests deleted", loaded, watch)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("run",), ("run", "--force")])
def test_unmounting_the_landing_zone_during_a_run_loses_no_row(
    arguments: tuple[str, ...], loaded: Site, faults: Faults
) -> None:
    away = loaded.root / "away"
    with Watch(loaded.database) as watch:
        run = Run(loaded, *arguments)
        state = loaded.root / "raw" / "manifests" / "last_scan.json"
        before = state.stat().st_mtime_ns
        while state.stat().st_mtime_ns == before:
            assert not run.is_over
            time.sleep(0.002)
        loaded.landing.rename(away)
        loaded.landing.mkdir()
        assert "became empty while its files were read" in error_line(run.ends_with(1))
        loaded.landing.rmdir()
        away.rename(loaded.landing)
        faults.recover("landing zone unmounted during a run", loaded, watch)


@pytest.mark.parametrize("count", [pytest.param(1, marks=pytest.mark.slow), 19])
def test_the_delete_guard_covers_small_archives(count: int, site: Site, faults: Faults) -> None:
    write_instances(site.landing / "files", count)
    site.command("scan")
    with unmounted(site.landing):
        line = error_line(Run(site, "scan").ends_with(3))
        assert f"{count} of {count} known files are gone" in line
    assert "0 new, 0 changed" in site.command("scan")
    faults.record_refusal("landing zone with fewer than 20 files not mounted")


class FileChanger:
    """Thread that moves, rewrites and deletes files, and restores them at the end."""

    def __init__(self, landing: Path) -> None:
        self.landing = landing
        self.files = sorted((landing / "second").iterdir())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._was = {path: (path.read_bytes(), path.stat()) for path in self.files}
        self.done = 0

    def __enter__(self) -> FileChanger:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop.set()
        self._thread.join()
        for path, (data, status) in self._was.items():
            path.with_suffix(".moved").unlink(missing_ok=True)
            path.write_bytes(data)
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    def _work(self) -> None:
        while not self._stop.is_set():
            for number, path in enumerate(self.files):
                data = self._was[path][0]
                path.write_bytes(data[: len(data) // 2] if number % 3 else data)
                if number % 2:
                    path.unlink()
                else:
                    path.rename(path.with_suffix(".moved"))
                time.sleep(0.003)
                path.write_bytes(data)
                path.with_suffix(".moved").unlink(missing_ok=True)
                self.done += 1


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(2))
def test_the_next_run_recovers_after_files_changed_and_disappeared(
    attempt: int, sites: SiteFactory, faults: Faults, tmp_path: Path
) -> None:
    site = sites.loaded(tmp_path / "site")
    with Watch(site.database) as watch:
        with FileChanger(site.landing) as busy:
            run = Run(site)
            run.process.wait(600)
            assert "Traceback" not in run.output
        assert busy.done > 100
        watch.seen.clear()  # each intermediate publication was correct at its time
        faults.recover("files that change or disappear while they are read", site, watch)
