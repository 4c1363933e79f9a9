"""Cells that the leak check found are removed by the staged models, in one version of a partition.

The tests of this module are steps of one history, in order.
"""

from typing import Any

import pyarrow as pa

from dicom_pipeline.warehouse.leak_check.findings_file import (
    COLUMNS,
    findings_path,
    write_findings,
)

from .archive import file
from .conftest import KEY, Warehouse
from .oracle import Oracle

PERIOD = "2041-01"
STUDY = Oracle(KEY).key("study_key", "1.2.840.41")
FILES = [
    file("41", "1", n, StudyDate="20410102", EchoTime="120.5", PatientAge="044Y") for n in (1, 2)
]


def rows(warehouse: Warehouse, table: str) -> list[dict[str, Any]]:
    key = "header_key" if table == "images" else "row_key"
    return warehouse.rows(
        f"select {key} as key, * from stage.staged_{table} where study_key = '{STUDY}' order by all"
    )


def write(warehouse: Warehouse, *cells: tuple[str, dict[str, Any], str]) -> None:
    """Write the findings: a table, a staged row and a column each."""
    found = [
        dict(zip(COLUMNS, (t, row["period_key"], row["base_version"], row["key"], c), strict=True))
        for t, row, c in cells
    ]
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    write_findings(findings_path(warehouse.directory), pa.Table.from_pylist(found, schema=schema))


def test_cells_that_were_found_are_null_in_stage_and_processed(changing: Warehouse) -> None:
    changing.raw.write(PERIOD, FILES)
    changing.build()
    images, [patient] = rows(changing, "images"), rows(changing, "patients")
    assert [image["base_version"] == image["stage_version"] for image in images] == [True, True]
    before = changing.content()

    cells = [("images", images[0], "echo_time"), ("images", images[0], "image_type")]
    write(changing, *cells, ("patients", patient, "patient_age"))
    changing.build()

    [first, second] = rows(changing, "images")
    assert (first["echo_time"], first["image_type"]) == (None, None)
    assert sorted(first["leaked_cells"]) == ["echo_time", "image_type"]
    assert first["failed_casts"] == []
    assert second == images[1] | {"stage_version": second["stage_version"]}
    [patient] = rows(changing, "patients")
    assert (patient["patient_age"], patient["leaked_cells"]) == (None, ["patient_age"])
    published = changing.rows(
        f"select echo_time, image_type from processed.processed_images where study_key = '{STUDY}'"
    )
    assert sorted(row["echo_time"] is None for row in published) == [False, True]
    after = changing.content()
    assert {name: len(found) for name, found in after.items()} == {
        name: len(found) for name, found in before.items()
    }


def test_only_the_partition_of_a_finding_is_rebuilt(changing: Warehouse) -> None:
    changing.execute("update stage.staged_images set file_size = -1")
    [_, image] = rows(changing, "images")
    write(changing, ("images", image, "echo_time"))
    changing.build()
    marked = changing.rows("select count(*) filter (file_size = -1) as n from stage.staged_images")
    [total] = changing.rows("select count(*) as n from stage.staged_images")
    assert marked[0]["n"] == total["n"] - len(FILES)
    assert sorted(row["echo_time"] is None for row in rows(changing, "images")) == [False, True]


def test_a_finding_does_not_apply_to_another_version_of_its_partition(changing: Warehouse) -> None:
    changing.raw.write(PERIOD, [*FILES, file("41", "1", 3, StudyDate="20410102", EchoTime="90")])
    changing.build()
    found = rows(changing, "images")
    assert sorted(row["echo_time"] for row in found) == [90, 120.5, 120.5]
    assert all(row["leaked_cells"] == [] for row in found)


def test_a_finding_in_a_column_that_is_gone_changes_no_row(changing: Warehouse) -> None:
    [image, *_] = rows(changing, "images")
    write(changing, ("images", image, "no_such_column"))
    changing.build()
    assert [row["echo_time"] for row in rows(changing, "images")].count(None) == 0
