"""A site that contains everything that a run may write, and the sweep over it.

Belongs here: runs with all written files under one folder, and the result of a sweep.
Does not belong here: planted files (files), and assertions (tests).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.support.project import copy_project

from ..conftest import Site
from .needles import Needles
from .places import Piece, days_in, pieces_under
from .search import Hit, Search


class SweptSite(Site):
    """A site with its own copy of the project, home and temporary folder."""

    def __init__(self, root: Path, **environment: str) -> None:
        super().__init__(root, copy_project(root / "project"))
        self.terminal = root / "terminal"
        for name in ("home", "tmp", "terminal"):
            (root / name).mkdir()
        self.environment |= {
            "HOME": str(root / "home"),
            "TMPDIR": str(root / "tmp"),
            "XDG_CACHE_HOME": str(root / "home" / "cache"),
            **environment,
        }

    def command(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run the command line to its end, and store its output for the sweep."""
        returned, output = self._run(*arguments, **environment)
        assert returned == code, output
        return output

    def attempt(self, *arguments: str) -> int:
        """Run the command line and return its exit code."""
        return self._run(*arguments)[0]

    def _run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=600)
        number = len(list(self.terminal.iterdir()))
        (self.terminal / f"{number:02}_{arguments[0]}.txt").write_text(output)
        return process.returncode, output

    def places(self) -> dict[str, Path]:
        """Return all folders except the landing zone and the raw zone."""
        return {
            "project (dbt target, logs)": self.project,
            "DAGSTER_HOME": self.root / "dagster",
            "warehouse": self.root / "warehouse",
            "published": self.root / "published",
            "terminal output": self.terminal,
            "TMPDIR": self.root / "tmp",
            "HOME": self.root / "home",
        }

    def assert_no_other_folder(self) -> None:
        """Check that each folder is swept or is one of the two zones that may contain PHI."""
        known = {path.name for path in self.places().values()} | {"landing", "raw"}
        assert {path.name for path in self.root.iterdir()} <= known


@dataclass
class SweepResult:
    """Statistics and findings of a sweep."""

    needles: int
    forms: int
    places: dict[str, Counter[str]] = field(default_factory=dict)
    hits: list[Hit] = field(default_factory=list)
    days: set[date] = field(default_factory=set)

    def table(self) -> str:
        """Return a text table of places, files and bytes."""
        lines = [
            f"{self.needles} needles in {self.forms} forms",
            f"{'place':28}{'files':>7}{'MiB':>8}{'tables':>8}{'MiB':>8}"
            f"{'unpacked':>9}{'MiB':>8}{'dates':>7}{'hits':>6}",
        ]
        total: Counter[str] = Counter()
        for place, result in self.places.items():
            lines.append(_line(place, result))
            total.update(result)
        return "\n".join([*lines, _line("all", total)])

    def summary(self) -> str:
        """Return one line per finding."""
        return "\n".join(f"{h.place}: {h.needle} as {h.form}: {h.around}" for h in self.hits[:40])


def _line(place: str, c: Counter[str]) -> str:
    sizes = "".join(
        f"{c[kind]:>{width}}{c[f'{kind} bytes'] / 2**20:>8.1f}"
        for kind, width in (("file", 7), ("rows", 8), ("unpacked", 9))
    )
    return f"{place:28}{sizes}{c['dates']:>7}{c['hits']:>6}"


def sweep(places: dict[str, Path], needles: Needles) -> SweepResult:
    """Search for every needle in all places, and for planted days in date columns."""
    search = Search(needles)
    result = SweepResult(len(needles.planted), len(search.forms))
    planted = needles.dates()
    for place, root in places.items():
        counts = result.places[place] = Counter()
        for piece in _pieces(root):
            counts[piece.kind] += 1
            counts[f"{piece.kind} bytes"] += len(piece.content)
            found = list(search.hits(piece))
            counts["hits"] += len(found)
            result.hits.extend(found)
            if piece.kind == "file" and piece.content[8:12] == b"DUCK":
                days, columns = days_in(Path(piece.path))
                counts["dates"] += columns
                counts["hits"] += len(days & planted)
                result.days |= days & planted
    return result


def _pieces(root: Path) -> Iterator[Piece]:
    return pieces_under(root) if root.exists() or root.is_symlink() else iter(())
