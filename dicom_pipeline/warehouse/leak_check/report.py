"""Result of the leak check: counts by table and column, never values or keys of rows.

Belongs here: the classes of the result and the limits.
Does not belong here: finding leaks (check), the file with the cells to remove (findings_file).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa


@dataclass(frozen=True)
class Limits:
    """Above both limits, a column has so many findings that its mapping must be wrong.

    Attributes
    ----------
    patients
        Number of patients with findings.
    fraction
        Share of the distinct pairs of patient and value.
    """

    patients: int = 5
    fraction: float = 0.01


@dataclass(frozen=True, order=True)
class Finding:
    """Number of cells of a column with a problem; tables of ``processed`` without the schema."""

    table: str
    column: str
    cells: int
    problem: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}: {self.cells} cells {self.problem}"


@dataclass(frozen=True, order=True)
class RemovedCells:
    """Number of cells of a staged column that the leak check removed, and of their patients.

    In the table of devices, ``patients`` is the number of devices.
    """

    table: str
    column: str
    cells: int
    patients: int

    def __str__(self) -> str:
        cells, were = ("cell", "was") if self.cells == 1 else ("cells", "were")
        return (
            f"{self.cells} {cells} of {self.table}.{self.column} held an identifier of a patient "
            f"and {were} removed"
        )


@dataclass
class LeakReport:
    """Result of the leak check.

    Attributes
    ----------
    findings
        Problems that prevent publication.
    removed
        Cells that this check or an earlier one removed, and that the staged rows still lack.
    nulled
        Cells that stage set to null because they contained a term of the patient. They are not
        published, but many of them indicate a wrong mapping line.
    found
        Number of cells to remove: the staged tables still have them.
    rows
        Content for the file of findings: the cells that are removed, and those to remove.
    exempt
        Columns that are not compared with terms because the site accepted the risk.
    columns, patients, terms
        Numbers of checked columns, of patients, and of their terms.
    """

    findings: list[Finding] = field(default_factory=list)
    removed: list[RemovedCells] = field(default_factory=list)
    nulled: list[Finding] = field(default_factory=list)
    found: int = 0
    rows: pa.Table = field(default_factory=lambda: pa.table({}), repr=False)
    exempt: list[str] = field(default_factory=list)
    columns: int = 0
    patients: int = 0
    terms: int = 0

    @property
    def passed(self) -> bool:
        """Whether nothing prevents publication, once the found cells are removed."""
        return not self.findings
