"""Sites for the fault tests, created once per session, and the table of results."""

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
from .invariant import Snapshot, check_invariant, take_snapshot
from .mounts import can_mount
from .watch import Watch

__all__ = ["site"]
PAGE = PROJECT_DIR / "docs" / "reliability.md"
HEAD = "| fault | tried | files lost | recovery, seconds |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True)
class Clean:
    """Result of a run without faults."""

    site: Site
    snapshot: Snapshot
    seconds: float


class SiteFactory:
    """Creates sites for faults; each test has a copy of its own."""

    def __init__(self, first: Clean, changed: Clean) -> None:
        self.first = first
        self.changed = changed

    def loaded(self, root: Path) -> Site:
        """Site with the first state published; files were added, changed and deleted after it."""
        shutil.copytree(self.first.site.root, root, dirs_exist_ok=True)
        shutil.rmtree(root / "landing")
        shutil.copytree(self.changed.site.landing, root / "landing")
        return Site(root)

    def unchanged(self, root: Path) -> Site:
        """Site with the second state published and no changes after it."""
        shutil.copytree(self.changed.site.root, root, dirs_exist_ok=True)
        return Site(root)

    def empty(self, root: Path) -> Site:
        """Site with the files of the second state and the key, and nothing loaded."""
        site = Site(root)
        shutil.copytree(self.changed.site.landing, site.landing, dirs_exist_ok=True)
        share_key(self.changed.site, site)
        return site


def share_key(one: Site, other: Site) -> None:
    """Copy the key: tables can be compared only if their pseudonyms have the same key."""
    (other.root / "warehouse").mkdir(mode=0o700)
    key = Path("warehouse", "pseudonym.key")
    shutil.copy2(one.root / key, other.root / key)


def _clean(site: Site) -> Clean:
    began = time.monotonic()
    site.command("run", seconds=600)
    seconds = time.monotonic() - began
    return Clean(site, take_snapshot(site), seconds)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """First state, loaded without faults."""
    site = Site(tmp_path_factory.mktemp("first"))
    archive.fill(site.landing)
    return _clean(site)


@pytest.fixture(scope="session")
def changed(first: Clean, tmp_path_factory: pytest.TempPathFactory) -> Clean:
    """Second state, loaded by a single run without faults: the expected result of a recovery."""
    site = Site(tmp_path_factory.mktemp("changed"))
    shutil.copytree(first.site.landing, site.landing, dirs_exist_ok=True)
    archive.change(site.landing)
    share_key(first.site, site)
    return _clean(site)


@pytest.fixture(scope="session")
def sites(first: Clean, changed: Clean) -> SiteFactory:
    return SiteFactory(first, changed)


@pytest.fixture
def loaded(sites: SiteFactory, tmp_path: Path) -> Site:
    """See `SiteFactory.loaded`."""
    return sites.loaded(tmp_path / "site")


@pytest.fixture
def unchanged(sites: SiteFactory, tmp_path: Path) -> Site:
    """See `SiteFactory.unchanged`."""
    return sites.unchanged(tmp_path / "site")


@pytest.fixture
def empty(sites: SiteFactory, tmp_path: Path) -> Site:
    """See `SiteFactory.empty`."""
    return sites.empty(tmp_path / "site")


class Faults:
    """Checks recoveries and records them for the table of the session."""

    def __init__(self, record: Callable[[str, object], None], clean: Callable[[], Clean]) -> None:
        self._record = record
        self._clean = clean

    @property
    def clean(self) -> Snapshot:
        """Tables of a clean run, which is started on first use."""
        return self._clean().snapshot

    def recover(self, fault: str, site: Site, watch: Watch | None = None) -> str:
        """Run once more to the end and check the invariant; return the output of the run."""
        began = time.monotonic()
        output = site.command("run", seconds=600)
        seconds = time.monotonic() - began
        self.check(fault, site, seconds, watch)
        return output

    def check(self, fault: str, site: Site, seconds: float, watch: Watch | None = None) -> None:
        """Check the invariant after a run that took ``seconds``, and record it."""
        lost = check_invariant(site, self.clean, watch)
        self.record(fault, seconds, lost=lost)

    def record(self, fault: str, seconds: float, *, lost: int = 0) -> None:
        """Record a recovery that the test itself compared with the clean tables."""
        self._record("fault", (fault, lost, round(seconds, 1)))

    def record_refusal(self, fault: str) -> None:
        """Record a fault after which there was nothing to recover."""
        self._record("fault", (fault, 0, None))


@pytest.fixture
def faults(
    record_property: Callable[[str, object], None], request: pytest.FixtureRequest
) -> Faults:
    return Faults(record_property, lambda: request.getfixturevalue("changed"))


@pytest.fixture(scope="session")
def mounts() -> None:
    """Skip the test if file systems cannot be mounted."""
    if not can_mount():
        pytest.skip("NOT TRIED: file systems cannot be mounted here (root is needed)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Set a long timeout: a run on a busy machine is slow, and only a hanging run must fail."""
    for item in items:
        if "tests/faults" in item.nodeid and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table of tested faults; FAULTS_PAGE=yes also writes it to the documentation."""
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
    """Replace the rows of the faults of this session; other rows keep their measurements."""
    text = PAGE.read_text()
    before, head, after = text.partition(HEAD)
    assert head, "docs/reliability.md has lost its table"
    table, gap, rest = after.partition("\n\n")
    there = {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines() if line}
    PAGE.write_text(before + head + "\n".join((there | rows).values()) + gap + rest)
