"""Sites that faults are tried on, made once a session, and the table of what came of it."""

from __future__ import annotations

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from tests.endtoend.conftest import Site, site

from . import archive
from .invariant import Picture, hold, picture
from .mounts import can_mount
from .watch import Watch

__all__ = ["site"]
PAGE = PROJECT_DIR / "docs" / "reliability.md"
HEAD = "| fault | tried | files lost | recovery, seconds |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True)
class Clean:
    """A run without faults."""

    site: Site
    picture: Picture
    seconds: float


class Victims:
    """Makes sites for faults: copies, so that each test has its own."""

    def __init__(self, first: Clean, changed: Clean) -> None:
        self.first = first
        self.changed = changed

    def loaded(self, root: Path) -> Site:
        """The first state is loaded and published, and files have come, changed and gone since."""
        shutil.copytree(self.first.site.root, root, dirs_exist_ok=True)
        shutil.rmtree(root / "landing")
        shutil.copytree(self.changed.site.landing, root / "landing")
        return Site(root)

    def unchanged(self, root: Path) -> Site:
        """The second state is loaded and published, and nothing has happened since."""
        shutil.copytree(self.changed.site.root, root, dirs_exist_ok=True)
        return Site(root)

    def empty(self, root: Path) -> Site:
        """The same files, and nothing loaded yet; the key is there."""
        site = Site(root)
        shutil.copytree(self.changed.site.landing, site.landing, dirs_exist_ok=True)
        share_key(self.changed.site, site)
        return site


def share_key(one: Site, other: Site) -> None:
    """Pseudonyms can only be compared if they are of one key."""
    (other.root / "warehouse").mkdir(mode=0o700)
    key = Path("warehouse", "pseudonym.key")
    shutil.copy2(one.root / key, other.root / key)


def _clean(site: Site) -> Clean:
    began = time.monotonic()
    site.command("run", seconds=600)
    seconds = time.monotonic() - began
    return Clean(site, picture(site), seconds)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """The first state, loaded without trouble."""
    site = Site(tmp_path_factory.mktemp("first"))
    archive.fill(site.landing)
    return _clean(site)


@pytest.fixture(scope="session")
def changed(first: Clean, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """The second state, loaded without trouble by a single run: what every recovery must give."""
    site = Site(tmp_path_factory.mktemp("changed"))
    shutil.copytree(first.site.landing, site.landing, dirs_exist_ok=True)
    archive.change(site.landing)
    share_key(first.site, site)
    return _clean(site)


@pytest.fixture(scope="session")
def victims(first: Clean, changed: Clean) -> Victims:
    return Victims(first, changed)


@pytest.fixture
def loaded(victims: Victims, tmp_path: Path) -> Site:
    """See `Victims.loaded`."""
    return victims.loaded(tmp_path / "site")


@pytest.fixture
def unchanged(victims: Victims, tmp_path: Path) -> Site:
    """See `Victims.unchanged`."""
    return victims.unchanged(tmp_path / "site")


@pytest.fixture
def empty(victims: Victims, tmp_path: Path) -> Site:
    """See `Victims.empty`."""
    return victims.empty(tmp_path / "site")


class Faults:
    """Notes what came of faults, for the table of the session."""

    def __init__(self, record: Callable[[str, object], None], clean: Callable[[], Clean]) -> None:
        self._record = record
        self._clean = clean

    @property
    def clean(self) -> Picture:
        """The tables of a clean run, which is only made where something is held against it."""
        return self._clean().picture

    def recovered(self, fault: str, site: Site, watch: Watch | None = None) -> str:
        """Run once more, to its end, and hold the invariant. Returns what the run printed."""
        began = time.monotonic()
        output = site.command("run", seconds=600)
        seconds = time.monotonic() - began
        self.held(fault, site, seconds, watch)
        return output

    def held(self, fault: str, site: Site, seconds: float, watch: Watch | None = None) -> None:
        """Hold the invariant after a run that took so long."""
        lost = hold(site, self.clean, watch)
        self.note(fault, seconds, lost=lost)

    def note(self, fault: str, seconds: float, *, lost: int = 0) -> None:
        """Note a recovery that was held against the clean tables by the test itself."""
        self._record("fault", (fault, lost, round(seconds, 1)))

    def refused(self, fault: str) -> None:
        """Note a fault after which nothing had to be recovered."""
        self._record("fault", (fault, 0, None))


@pytest.fixture
def faults(
    record_property: Callable[[str, object], None], request: pytest.FixtureRequest
) -> Faults:
    return Faults(record_property, lambda: request.getfixturevalue("changed"))


@pytest.fixture(scope="session")
def mounts() -> None:
    """For tests that need file systems of their own."""
    if not can_mount():
        pytest.skip("NOT TRIED: file systems cannot be mounted here (root is needed)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A busy machine makes a run long; only one that hangs is to fail."""
    for item in items:
        if "tests/faults" in item.nodeid and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The faults that were tried, and what they cost; with FAULTS_PAGE=yes also in the docs."""
    tried: dict[str, list[tuple[int, float | None]]] = defaultdict(list)
    for report in terminalreporter.stats.get("passed", ()):
        for name, value in getattr(report, "user_properties", ()):
            if name == "fault":
                fault, lost, seconds = value
                tried[fault].append((lost, seconds))
    rows = {fault: _row(fault, results) for fault, results in tried.items()}
    if rows:
        terminalreporter.section("faults")
        terminalreporter.write(HEAD + "\n".join([*rows.values(), ""]))
        if os.environ.get("FAULTS_PAGE"):
            _write(rows)
    for report in terminalreporter.stats.get("skipped", ()):
        if "NOT TRIED" in str(report.longrepr):
            terminalreporter.write_line(f"{report.nodeid}: {report.longrepr[2]}")


def _row(fault: str, results: list[tuple[int, float | None]]) -> str:
    times = sorted(seconds for _, seconds in results if seconds is not None)
    recovery = "nothing to recover"
    if times:
        recovery = f"{times[0]:.0f}" + (f" to {times[-1]:.0f}" if len(times) > 1 else "")
    return f"| {fault} | {len(results)} | {sum(lost for lost, _ in results)} | {recovery} |"


def _write(rows: dict[str, str]) -> None:
    """Replace the rows of faults that were tried now; others stay as they were measured."""
    text = PAGE.read_text()
    before, head, after = text.partition(HEAD)
    assert head, "docs/reliability.md has lost its table"
    table, gap, rest = after.partition("\n\n")
    there = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line}
    PAGE.write_text(before + head + "\n".join((there | rows).values()) + gap + rest)
