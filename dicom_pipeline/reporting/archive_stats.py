"""What is in the archive, and how good it is, in counts of the published tables.

Belongs here: the queries of the report. Nothing but the published file is read, so that a report
can be made whatever the pipeline is doing, and shows no more than who has the file can count.
Does not belong here: what only the raw zone knows (extract), how it looks (archive_report).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dicom_pipeline.mapping.attribute_mapping import ENTITIES

_MOST = 12
_REST = "other"
NONE = "not given"
# what analyses lean on, in the order in which it is shown: table, column
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
    """How many rows have a value, of how many."""

    filled: int
    rows: int

    @property
    def percent(self) -> float:
        """The share, from 0 to 100."""
        return 100 * self.filled / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Geometry:
    """Series of a modality that have slices, and what speaks against their being volumes."""

    modality: str
    series: int
    regular: int
    with_gaps: int
    missing_slices: int
    several_orientations: int


@dataclass(frozen=True)
class ArchiveFacts:
    """Counts of the published tables.

    Attributes
    ----------
    run
        ``run_info``: values by topic and name.
    totals
        Rows of the five tables, by entity.
    modalities
        Modality, patients, studies, series and images with it; most series first.
    body_parts, manufacturers
        Series by name; the rarest are one.
    ages
        Patients by ten years of age at their first study.
    sexes
        Patients by sex, as DICOM has it.
    studies_per_patient
        Patients by number of studies.
    conflicts
        Rows whose files disagree, by entity.
    conflicting_columns
        Table, column and rows in which the files disagree about it.
    missing
        Of what analyses lean on: column, and by modality how many rows have a value.
    geometry
        Slices, by modality.
    treatment
        Published columns by what de-identification did to them.
    never_filled
        Table and column of those that stand for an attribute and have no value anywhere.
    mapped
        Columns that stand for an attribute and are not removed.
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
    treatment: dict[str, int]
    never_filled: list[tuple[str, str]]
    mapped: int


def archive_facts(published: Path) -> ArchiveFacts:
    """Count what is published.

    Parameters
    ----------
    published
        The published file, which is opened read-only.
    """
    with closing(duckdb.connect(str(published), read_only=True)) as connection:
        counting = _Counting(connection)
        return ArchiveFacts(
            run=counting.run(),
            totals=counting.totals(),
            modalities=counting.modalities(),
            body_parts=counting.by_name("processed_series", "body_part_examined"),
            manufacturers=counting.by_name("processed_devices", "manufacturer"),
            ages=counting.ages(),
            sexes=counting.by_name("processed_patients", "patient_sex"),
            studies_per_patient=counting.studies_per_patient(),
            conflicts=counting.conflicts(),
            conflicting_columns=counting.conflicting_columns(),
            missing=counting.missing(),
            geometry=counting.geometry(),
            treatment=counting.treatment(),
            never_filled=counting.never_filled(),
            mapped=counting.mapped(),
        )


class _Counting:
    """The queries. A site's mapping may lack any column that stands for an attribute."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        connection.execute("use processed")
        self._columns = set(self._ask("select table_name, column_name from data_dictionary"))

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._connection.execute(query, list(values)).fetchall()

    def run(self) -> dict[tuple[str, str], str]:
        rows = self._ask("select topic, name, value from run_info")
        return {(topic, name): value for topic, name, value in rows}

    def totals(self) -> dict[str, int]:
        return {
            entity: self._ask(f"select count(*) from processed_{entity}")[0][0]
            for entity in ENTITIES
        }

    def modalities(self) -> list[tuple[str, int, int, int, int]]:
        if ("processed_series", "modality") not in self._columns:
            return []
        return self._ask(
            "select coalesce(modality, ?), count(distinct patient_key), count(distinct study_key),"
            " count(*), sum(image_count)::bigint"
            " from processed_series group by modality order by count(*) desc, modality",
            NONE,
        )

    def by_name(self, table: str, column: str) -> dict[str, int]:
        """Rows by the value of a column; the rarest together."""
        if (table, column) not in self._columns:
            return {}
        rows = self._ask(
            f"select coalesce({column}, ?), count(*) from {table}"
            f" group by {column} order by count(*) desc, {column}",
            NONE,
        )
        return shortened(dict(rows))

    def ages(self) -> dict[str, int]:
        if ("processed_patients", "first_patient_age") not in self._columns:
            return {}
        # PS3.5: three digits and D, W, M or Y
        rows = self._ask(
            "select case when first_patient_age like '%Y'"
            " then least(try_cast(left(first_patient_age, 3) as integer) // 10, 9)"
            " when first_patient_age is not null then 0 end as decade, count(*)"
            " from processed_patients group by decade order by decade nulls last"
        )
        return {_decade(decade): count for decade, count in rows}

    def studies_per_patient(self) -> dict[str, int]:
        rows = self._ask(
            "select least(study_count, 5) as studies, count(*) from processed_patients"
            " group by studies order by studies"
        )
        return {"5 or more" if n == 5 else str(n): count for n, count in rows}

    def conflicts(self) -> dict[str, int]:
        return {
            entity: self._ask(f"select count(*) from processed_{entity} where has_conflict")[0][0]
            for entity in ENTITIES
        }

    def conflicting_columns(self) -> list[tuple[str, str, int]]:
        parts = " union all ".join(
            f"select '{entity}' as entity, unnest(conflicting_attributes) as name"
            f" from processed_{entity}"
            for entity in ENTITIES
            if (f"processed_{entity}", "conflicting_attributes") in self._columns
        )
        return self._ask(
            f"select entity, name, count(*) from ({parts}) group by all"
            f" order by count(*) desc, entity, name limit {_MOST}"
        )

    def missing(self) -> dict[str, dict[str, Share]]:
        found: dict[str, dict[str, Share]] = {}
        for table, column in ESSENTIAL:
            rows = self._ask(
                "select coalesce(modality, ?), filled_count, row_count from completeness"
                " where table_name = ? and column_name = ?",
                NONE, f"processed_{table}", column,
            )  # fmt: skip
            if rows:
                found[column] = {modality: Share(int(n), int(of)) for modality, n, of in rows}
        return found

    def geometry(self) -> list[Geometry]:
        rows = self._ask(
            "select coalesce(modality, ?), count(*), count(*) filter (where is_regular),"
            " count(*) filter (where missing_slices > 0),"
            " coalesce(sum(missing_slices), 0)::bigint,"
            " count(*) filter (where not has_one_orientation)"
            " from series_geometry where slice_count > 1 or not has_one_orientation"
            " group by modality order by count(*) desc, modality",
            NONE,
        )
        return [Geometry(*row) for row in rows]

    def treatment(self) -> dict[str, int]:
        rows = self._ask(
            "select deidentification, count(*) from data_dictionary"
            " where deidentification is not null group by all order by count(*) desc, 1"
        )
        return dict(rows)

    def never_filled(self) -> list[tuple[str, str]]:
        return self._ask(
            "select table_name, column_name from completeness group by all"
            " having sum(filled_count) = 0 order by all"
        )

    def mapped(self) -> int:
        query = "select count(distinct (table_name, column_name)) from completeness"
        return int(self._ask(query)[0][0])


def _decade(decade: int | None) -> str:
    if decade is None:
        return NONE
    return "90 or more" if decade == 9 else f"{decade * 10} to {decade * 10 + 9}"


def shortened(counts: dict[str, int]) -> dict[str, int]:
    """The most frequent ones, which come first, and the rest together."""
    if len(counts) <= _MOST:
        return counts
    kept = dict(list(counts.items())[: _MOST - 1])
    return kept | {_REST: kept.get(_REST, 0) + sum(counts.values()) - sum(kept.values())}
