"""Statistics of the archive: contents and data quality, counted on the published tables.

Belongs here: the queries of the report. They read only the published file: a report works while
the pipeline runs, and shows only what every reader of the file can count.
Does not belong here: counts of the raw zone (extract.file_counts, studies_by_month), layout
(html_report).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dicom_pipeline.mapping.attribute_mapping import ENTITIES

_MAX_NAMES = 12
_REST = "other"
NONE = "not given"
# table and column of attributes that most analyses need, in display order
ESSENTIAL = (
    ("series", "body_part_examined"),
    ("series", "series_description"),
    ("series", "protocol_name"),
    ("images", "rows"),
    ("images", "pixel_spacing"),
    ("images", "slice_thickness"),
    ("images", "image_position_patient"),
    ("images", "image_orientation_patient"),
    ("images", "window_center"),
    ("images", "photometric_interpretation"),
    ("images", "burned_in_annotation"),
)


@dataclass(frozen=True)
class Share:
    """Number of rows with a value, and number of all rows."""

    filled: int
    rows: int

    @property
    def percent(self) -> float:
        """Percentage of rows with a value, from 0 to 100."""
        return 100 * self.filled / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Geometry:
    """Series of a modality that have slices, and counts of defects that rule out a volume."""

    modality: str
    series: int
    regular: int
    with_gaps: int
    missing_slices: int
    several_orientations: int


@dataclass(frozen=True)
class ClassSize:
    """Equivalence classes of a range of sizes: their number, their patients, and the fraction."""

    smallest: int
    largest: int | None
    classes: int
    patients: int
    fraction: float | None


@dataclass(frozen=True)
class QuasiIdentifier:
    """A column, the patients that are unique by it alone, and those that it makes unique."""

    table: str
    column: str
    unique_alone: int
    made_unique: int


@dataclass(frozen=True)
class ArchiveStats:
    """Counts of the published tables.

    Attributes
    ----------
    run
        Values of ``run_info`` by topic and name.
    totals
        Rows of the five entity tables, by entity.
    modalities
        Modality, and its patients, studies, series and images; most series first.
    body_parts
        Series by body part; rare values are summed as ``other``.
    manufacturers
        Devices by manufacturer; rare values are summed as ``other``.
    ages
        Patients by age at their first study, in groups of ten years.
    sexes
        Patients by DICOM PatientSex.
    studies_per_patient
        Patients by number of studies.
    conflicts
        Rows whose files have different values, by entity.
    conflicting_columns
        Entity, column, and number of rows whose files have different values for it.
    missing
        For each column in `ESSENTIAL`: rows with a value, by modality.
    geometry
        Slice geometry by modality.
    class_sizes
        Patients by the size of their equivalence class, for all quasi-identifiers together. Empty
        if the published file is older than the table.
    quasi_identifiers
        What each quasi-identifier adds; the one that makes most patients unique first.
    treatment
        Number of published columns by de-identification method.
    never_filled
        Table and column of DICOM attributes without a value in the whole archive.
    mapped
        Number of published columns that hold a DICOM attribute and are not removed.
    """

    run: dict[tuple[str, str], str]
    totals: dict[str, int]
    modalities: list[tuple[str, int, int, int, int]]
    body_parts: dict[str, int]
    manufacturers: dict[str, int]
    ages: dict[str, int]
    sexes: dict[str, int]
    studies_per_patient: dict[str, int]
    conflicts: dict[str, int]
    conflicting_columns: list[tuple[str, str, int]]
    missing: dict[str, dict[str, Share]]
    geometry: list[Geometry]
    class_sizes: list[ClassSize]
    quasi_identifiers: list[QuasiIdentifier]
    treatment: dict[str, int]
    never_filled: list[tuple[str, str]]
    mapped: int


def archive_stats(published: Path) -> ArchiveStats:
    """Return the counts of a published file.

    Parameters
    ----------
    published
        The published DuckDB file; it is opened read-only.
    """
    with closing(duckdb.connect(str(published), read_only=True)) as connection:
        queries = _Queries(connection)
        return ArchiveStats(
            run=queries.run(),
            totals=queries.totals(),
            modalities=queries.modalities(),
            body_parts=queries.by_name("processed_series", "body_part_examined"),
            manufacturers=queries.by_name("processed_devices", "manufacturer"),
            ages=queries.ages(),
            sexes=queries.by_name("processed_patients", "patient_sex"),
            studies_per_patient=queries.studies_per_patient(),
            conflicts=queries.conflicts(),
            conflicting_columns=queries.conflicting_columns(),
            missing=queries.missing(),
            geometry=queries.geometry(),
            class_sizes=queries.class_sizes(),
            quasi_identifiers=queries.quasi_identifiers(),
            treatment=queries.treatment(),
            never_filled=queries.never_filled(),
            mapped=queries.mapped(),
        )


class _Queries:
    """Queries on the published tables; a site's mapping may omit any attribute column."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute("use processed")
        self._columns = set(self._query("select table_name, column_name from data_dictionary"))

    def _query(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, list(values)).fetchall()

    def run(self) -> dict[tuple[str, str], str]:
        rows = self._query("select topic, name, value from run_info")
        return {(topic, name): value for topic, name, value in rows}

    def totals(self) -> dict[str, int]:
        return {
            entity: self._query(f"select count(*) from processed_{entity}")[0][0]
            for entity in ENTITIES
        }

    def modalities(self) -> list[tuple[str, int, int, int, int]]:
        if ("processed_series", "modality") not in self._columns:
            return []
        return self._query(
            "select coalesce(modality, ?), count(distinct patient_key), count(distinct study_key),"
            " count(*), sum(image_count)::bigint"
            " from processed_series group by modality order by count(*) desc, modality",
            NONE,
        )

    def by_name(self, table: str, column: str) -> dict[str, int]:
        """Return rows by value of a column; rare values are summed."""
        if (table, column) not in self._columns:
            return {}
        rows = self._query(
            f"select coalesce({column}, ?), count(*) from {table}"
            f" group by {column} order by count(*) desc, {column}",
            NONE,
        )
        return top_counts(dict(rows))

    def ages(self) -> dict[str, int]:
        if ("processed_patients", "first_age_years") not in self._columns:
            return {}
        rows = self._query(
            "select cast(least(floor(first_age_years / 10), 9) as integer) as decade, count(*)"
            " from processed_patients group by decade order by decade nulls last"
        )
        return {_decade(decade): count for decade, count in rows}

    def studies_per_patient(self) -> dict[str, int]:
        rows = self._query(
            "select least(study_count, 5) as studies, count(*) from processed_patients"
            " group by studies order by studies"
        )
        return {"5 or more" if n == 5 else str(n): count for n, count in rows}

    def conflicts(self) -> dict[str, int]:
        return {
            entity: self._query(f"select count(*) from processed_{entity} where has_conflict")[0][0]
            for entity in ENTITIES
        }

    def conflicting_columns(self) -> list[tuple[str, str, int]]:
        parts = " union all ".join(
            f"select '{entity}' as entity, unnest(conflicting_attributes) as name"
            f" from processed_{entity}"
            for entity in ENTITIES
            if (f"processed_{entity}", "conflicting_attributes") in self._columns
        )
        return self._query(
            f"select entity, name, count(*) from ({parts}) group by all"
            f" order by count(*) desc, entity, name limit {_MAX_NAMES}"
        )

    def missing(self) -> dict[str, dict[str, Share]]:
        found: dict[str, dict[str, Share]] = {}
        for table, column in ESSENTIAL:
            rows = self._query(
                "select coalesce(modality, ?), filled_count, row_count from completeness"
                " where table_name = ? and column_name = ?",
                NONE, f"processed_{table}", column,
            )  # fmt: skip
            if rows:
                found[column] = {modality: Share(int(n), int(of)) for modality, n, of in rows}
        return found

    def geometry(self) -> list[Geometry]:
        rows = self._query(
            "select coalesce(modality, ?), count(*), count(*) filter (where is_regular),"
            " count(*) filter (where missing_slices > 0),"
            " coalesce(sum(missing_slices), 0)::bigint,"
            " count(*) filter (where not single_orientation)"
            " from series_geometry where slice_count > 1 or not single_orientation"
            " group by modality order by count(*) desc, modality",
            NONE,
        )
        return [Geometry(*row) for row in rows]

    def class_sizes(self) -> list[ClassSize]:
        if ("uniqueness", "patient_count") not in self._columns:
            return []
        rows = self._query(
            "select min_class_size, max_class_size, class_count, patient_count, patient_fraction"
            " from uniqueness where column_name is null order by min_class_size"
        )
        return [ClassSize(*row) for row in rows]

    def quasi_identifiers(self) -> list[QuasiIdentifier]:
        if ("uniqueness", "patient_count") not in self._columns:
            return []
        rows = self._query(
            "select table_name, column_name, patient_count, made_unique_count from uniqueness"
            " where column_name is not null and min_class_size = 1"
            " order by made_unique_count desc, patient_count desc, table_name, column_name"
        )
        return [QuasiIdentifier(*row) for row in rows]

    def treatment(self) -> dict[str, int]:
        rows = self._query(
            "select deidentification, count(*) from data_dictionary"
            " where deidentification is not null group by all order by count(*) desc, 1"
        )
        return dict(rows)

    def never_filled(self) -> list[tuple[str, str]]:
        return self._query(
            "select table_name, column_name from completeness group by all"
            " having sum(filled_count) = 0 order by all"
        )

    def mapped(self) -> int:
        query = "select count(distinct (table_name, column_name)) from completeness"
        return int(self._query(query)[0][0])


def _decade(decade: int | None) -> str:
    if decade is None:
        return NONE
    return "90 or more" if decade == 9 else f"{decade * 10} to {decade * 10 + 9}"


def top_counts(counts: dict[str, int]) -> dict[str, int]:
    """Return the most frequent names of counts in descending order, and the sum of the others."""
    if len(counts) <= _MAX_NAMES:
        return counts
    kept = dict(list(counts.items())[: _MAX_NAMES - 1])
    return kept | {_REST: kept.get(_REST, 0) + sum(counts.values()) - sum(kept.values())}
