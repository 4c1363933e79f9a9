"""The published views, compared with values read by pydicom and computed by numpy."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pydicom
import pytest

from tests.support.ages import expected_age
from tests.support.project import copy_project
from tests.warehouse.oracle import Oracle

from .conftest import EXPLORED_KEY, Site
from .geometry_oracle import geometry, near
from .volumes import SERIES

ORACLE = Oracle(EXPLORED_KEY)
VIEWS = {
    "completeness", "device_software", "series_geometry", "studies_by_modality", "study_intervals",
}  # fmt: skip


def rows(site: Site, sql: str) -> list[dict[str, Any]]:
    with duckdb.connect(str(site.database), read_only=True) as connection:
        result = connection.execute(sql)
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.fixture(scope="module")
def headers(explored: Site) -> dict[str, list[pydicom.Dataset]]:
    """Headers by series key, of series in which every image is one file."""
    found: dict[str, dict[str, list[pydicom.Dataset]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(explored.landing.rglob("*")):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
            found[header.SeriesInstanceUID][header.SOPInstanceUID].append(header)
        except (OSError, AttributeError, pydicom.errors.InvalidDicomError):
            continue
    return {
        ORACLE.key("series_key", uid): [header for (header,) in images.values()]
        for uid, images in found.items()
        if all(len(versions) == 1 for versions in images.values())
    }


def test_the_geometry_of_every_series_equals_that_of_its_files(
    explored: Site, headers: dict[str, list[pydicom.Dataset]]
) -> None:
    found = {row["series_key"]: row for row in rows(explored, "from processed.series_geometry")}
    assert headers.keys() <= found.keys()
    assert len(headers) > 40 + len(SERIES) - 10
    for key, files in headers.items():
        expected = geometry(files)
        ours = {name: found[key][name] for name in expected}
        assert ours == expected, files[0].SeriesInstanceUID
        assert found[key].keys() - expected.keys() == {
            "series_key", "study_key", "patient_key", "device_key", "modality",
            "body_part_examined",
        }  # fmt: skip


@pytest.fixture(scope="module")
def generated(explored: Site) -> dict[str, dict[str, Any]]:
    """Rows of the generated series, by name."""
    found = {row["series_key"]: row for row in rows(explored, "from processed.series_geometry")}
    return {
        name: found[ORACLE.key("series_key", f"1.2.77.{place}.1")]
        for place, name in enumerate(SERIES, 1)
    }


# values given by hand, which also checks the oracle
REGULAR_3D = {
    "chest", "chest thick", "tilted", "coronal", "sagittal", "nearly even", "oblique",
    "small drift", "jitter of orientation", "micrometers", "dose", "dose by z", "mprage",
}  # fmt: skip
REGULAR = REGULAR_3D | {"two echoes", "time points", "time points with noise", "two doses"}
UNKNOWN = {
    "single", "mosaic", "mosaics of a moved table", "one position", "dose without offsets",
    "dose with an offset too few", "frames of a CT", "frames of two CTs", "frames of an MR",
    "enhanced",
}  # fmt: skip


def test_the_regular_volumes_are_those_that_were_generated_as_such(
    generated: dict[str, dict[str, Any]],
) -> None:
    for column, expected in (("is_regular", REGULAR), ("regularly_spaced_3d_volume", REGULAR_3D)):
        assert {name for name, row in generated.items() if row[column]} == expected
    assert {name for name, row in generated.items() if row["is_regular"] is None} == UNKNOWN


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("slice_count", {
            "gantry tilt": 8, "drift": 8, "bilateral": 5, "time points": 4, "scout": 6,
            "time points with noise": 6, "three scouts": 4, "axial localizer": 6, "single": 1,
            "mosaic": None, "mosaics of a moved table": None, "enhanced": None, "dose": 5,
            "dose by z": 4, "two doses": 3, "dose without offsets": 9, "frames of a CT": 30,
            "frames of two CTs": None, "frames of an MR": None, "same position twice": 4,
            "one position": 1, "micrometers": 6, "out of range": 3, "two pixel spacings": 6,
        }),
        ("missing_slices", {
            "gap": 2, "two gaps": 2, "uneven": None, "far apart": None, "steps of two grids": None,
            "displaced along the normal": None, "chest": 0, "single": None, "uneven dose": None,
        }),
        ("slice_spacing", {
            "chest": 1.25, "gantry tilt": near(4 * np.cos(np.radians(15)), 1e-4), "two gaps": 2,
            "scout": 5, "axial localizer": 5, "dose": 2.5, "dose by z": 3, "single": None,
            "time points with noise": near(1.5), "micrometers": near(0.008),
        }),
        ("gantry_tilt_degrees", {
            "gantry tilt": near(15, 0.001), "tilt back": near(15, 0.001), "chest": 0, "oblique": 0,
            "drift": None, "wobble": None, "bilateral": None, "single": None,
        }),
        ("images_outside_stack", {
            "chest": 0, "scout": 1, "three scouts": 3, "axial localizer": 1, "localizer": 2,
            "rotated half": 4, "flipped third": 3, "without a position": 1, "mosaic": None,
            "without an orientation": 1, "out of range": 1,
        }),
        ("obliquity_degrees", {
            "chest": 0, "gantry tilt": near(15, 0.001), "tilted": near(40, 0.001),
            "oblique": near(30, 0.001), "rotated half": 0, "enhanced": None,
        }),
        ("orientation_plane", {
            "chest": "axial", "tilted": "oblique", "coronal": "coronal", "sagittal": "sagittal",
            "localizer": "axial", "scout": "axial", "no plane": None, "mosaic": "axial",
        }),
        ("images_per_slice", {
            "two echoes": 2, "bilateral": 2, "time points": 3, "unequal time points": None,
            "two doses": 2, "one echo short": None,
        }),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_generated_series_has_the_geometry_of_its_generator(
    generated: dict[str, dict[str, Any]], column: str, expected: dict[str, Any]
) -> None:
    assert {name: generated[name][column] for name in expected} == expected


@pytest.mark.parametrize(
    ("column", "exceptions"),
    [
        ("is_mosaic", {"mosaic", "mosaics of a moved table"}),
        ("single_orientation", {
            "localizer", "rotated half", "flipped third", "bent", "radial", "scout",
            "three scouts",
        }),
        ("orthogonal_orientation", {"no plane"}),
        ("consistent_pixel_spacing", {"two pixel spacings", "axial localizer"}),
        ("consistent_image_dimensions", {"two sizes"}),
        ("consistent_in_plane_row", {"drift", "wobble", "bilateral", "displaced in the plane"}),
        ("consistent_in_plane_col", {"gantry tilt", "tilt back", "wobble"}),
        ("uniform_slice_spacing", {
            "gap", "uneven", "displaced along the normal", "two gaps", "far apart",
            "steps of two grids", "one micrometer off", "uneven dose",
        }),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_only_the_series_that_were_generated_otherwise_fail_a_check_of_geometry(
    generated: dict[str, dict[str, Any]], column: str, exceptions: set[str]
) -> None:
    wanted = column == "is_mosaic"
    assert {n for n, row in generated.items() if row[column] is wanted} == exceptions


def test_studies_by_modality_counts_every_image_once(explored: Site) -> None:
    found = rows(explored, "from processed.studies_by_modality")
    [(images, series)] = explored.ask(
        "select (select count(*) from processed.processed_images),"
        " (select count(*) from processed.processed_series)"
    )
    assert sum(row["image_count"] for row in found) == images
    assert sum(row["series_count"] for row in found) == series
    [chest] = [r for r in found if (r["modality"], r["body_part_examined"]) == ("CT", "CHEST")]
    assert (chest["patient_count"], chest["study_count"], chest["image_count"]) == (2, 2, 28)


def test_intervals_equal_those_between_the_dates_in_the_files(
    explored: Site, headers: dict[str, list[pydicom.Dataset]]
) -> None:
    dates: dict[str, dict[str, Any]] = defaultdict(dict)
    for files in headers.values():
        for header in files:
            if str(header.get("PatientID")) in ("first", "second"):
                day = np.datetime64(f"{header.StudyDate[:4]}-{header.StudyDate[4:6]}"
                                    f"-{header.StudyDate[6:]}")  # fmt: skip
                patient = ORACLE.patient_key(header.PatientID)
                dates[patient][ORACLE.key("study_key", header.StudyInstanceUID)] = day
    expected = []
    for patient, studies in dates.items():
        ordered = sorted(studies, key=lambda key: studies[key])
        for number, (before, study) in enumerate(pairwise(ordered), 2):
            days = (studies[study] - studies[before]).astype(int)
            expected.append((patient, study, before, number, int(days)))
    assert len(expected) == 11
    found = {tuple(row.values())[:5] for row in rows(explored, "from processed.study_intervals")}
    assert set(expected) <= found


def test_device_software_lists_every_version_of_a_device(explored: Site) -> None:
    key = ORACLE.id("device_key", "14:ACME-1:1")
    found = rows(explored, f"from processed.device_software where device_key = '{key}'")
    assert {row["software_version"] for row in found} == {"VA1", "VB0", "VB1"}
    [(devices,)] = explored.ask("select count(distinct device_key) from processed.device_software")
    assert [(devices,)] == explored.ask("select count(*) from processed.processed_devices")


def test_completeness_equals_the_counted_share(explored: Site) -> None:
    found = rows(explored, "from processed.completeness")
    assert len({(r["table_name"], r["column_name"], r["modality"]) for r in found}) == len(found)
    groups = defaultdict(list)
    for row in found:
        groups[row["table_name"], row["modality"]].append(row)
    for (table, modality), lines in groups.items():
        counted = ", ".join(f'count(t."{line["column_name"]}")' for line in lines)
        of_series = table in ("processed_images", "processed_series")
        wanted = "null" if modality is None else f"'{modality}'"
        [(total, *filled)] = explored.ask(
            f"select count(*), {counted} from processed.{table} as t"
            + " join processed.processed_series as series using (series_key)"
            f" where series.modality is not distinct from {wanted}" * of_series
        )
        assert [line["row_count"] for line in lines] == [total] * len(lines)
        assert [line["filled_count"] for line in lines] == filled
        assert [line["filled_share"] for line in lines] == [count / total for count in filled]
    published = {
        (table, column)
        for table, column, done in explored.ask(
            "select table_name, column_name, deidentification from processed.data_dictionary"
            " where attribute is not null and table_name like 'processed%'"
        )
        if done != "removed"
        and not column.startswith(("first_", "last_patient"))
        and not column.endswith("age_years")
    }
    derived = {("processed_patients", "modalities"), ("processed_studies", "modalities")}
    assert {(r["table_name"], r["column_name"]) for r in found} == published - derived


def test_views_use_published_tables_only_and_have_comments(explored: Site) -> None:
    views = rows(explored, "select * from duckdb_views() where not internal")
    assert {view["view_name"] for view in views} == VIEWS
    for view in views:
        assert view["comment"]
        assert "stage" not in view["sql"] and "build" not in view["sql"]
    assert explored.ask(
        "select table_name, column_name, data_type, description from processed.data_dictionary"
        " order by all"
    ) == explored.ask(
        "select table_name, column_name, data_type, comment from duckdb_columns()"
        " where schema_name = 'processed' order by all"
    )


def test_run_info_contains_the_file_counts_and_row_counts(explored: Site) -> None:
    run_info = {
        (topic, name): (value, number)
        for topic, name, value, number in explored.ask("from processed.run_info")
    }
    files = {name: number for (topic, name), (_, number) in run_info.items() if topic == "files"}
    there = sum(path.is_file() for path in explored.landing.rglob("*"))
    assert files["found"] == there
    parts = ("loaded", "duplicate", "rejected", "ignored", "pending")
    assert sum(files[name] for name in parts) == there
    for outcome in ("rejected", "ignored"):
        reasons = sum(n for name, n in files.items() if name.startswith(f"{outcome}: "))
        assert files[outcome] == reasons > 0
    for (topic, name), (_, number) in run_info.items():
        if topic == "rows":
            assert [(number,)] == explored.ask(f"select count(*) from processed.{name}")
    assert run_info["version", "duckdb"][0] == duckdb.__version__
    assert not [value for value, _ in run_info.values() if "key" in value]


@pytest.mark.slow  # a separate run
def test_the_views_work_without_attributes_that_a_site_removed_from_the_mapping(
    tmp_path: Path,
) -> None:
    project = copy_project(tmp_path / "project")
    seed = project / "dbt_snowflake" / "seeds" / "anonymization_mapping.csv"
    gone = (",body_part_examined,", ",pixel_spacing,", ",slice_thickness,", ",manufacturer,",
            ",image_position_patient,")  # fmt: skip
    lines = seed.read_text().splitlines(keepends=True)
    seed.write_text("".join(line for line in lines if not any(name in line for name in gone)))
    site = Site(tmp_path / "site", project)
    site.put("CT_small.dcm", "MR_small.dcm")
    error = "error: quasi_identifiers, devices.manufacturer: processed_devices has no such column"
    assert error in " ".join(site.command("run", code=1).split())
    seed = seed.with_name("quasi_identifiers.csv")
    lines = seed.read_text().splitlines(keepends=True)
    seed.write_text("".join(line for line in lines if not any(name in line for name in gone)))
    site.run()
    found = rows(site, "select row_spacing, slice_count from processed.series_geometry")
    assert found == [{"row_spacing": None, "slice_count": None}] * 2
    assert {row["image_count"] for row in rows(site, "from processed.studies_by_modality")} == {1}


def age_in(header: pydicom.Dataset) -> str | None:
    """Return the age in a file, or at its study by its birth date; in years, at most 90."""
    age = str(header.get("PatientAge") or "")
    if age in ("", "000Y") and header.get("PatientBirthDate"):
        birth, study = (
            datetime.strptime(header[name].value.replace(".", ""), "%Y%m%d").date()
            for name in ("PatientBirthDate", "StudyDate")
        )
        age = expected_age(birth, study) if birth.year > 1900 else ""
    return "090Y" if age.endswith("Y") and age > "090Y" else age or None


def test_the_age_of_each_study_is_that_of_its_files(
    explored: Site, headers: dict[str, list[pydicom.Dataset]]
) -> None:
    expected: dict[str, set[str | None]] = defaultdict(set)
    for header in (header for files in headers.values() for header in files):
        expected[ORACLE.key("study_key", header.StudyInstanceUID)].add(age_in(header))
    studies = {row["study_key"]: row for row in rows(explored, "from processed.processed_studies")}
    ages = {key: studies[key]["patient_age"] for key in expected}
    assert ages == {key: max(found, key=lambda age: age or "") for key, found in expected.items()}
    assert {"067Y", "090Y", "000Y", "089Y", "013M", "047D", None} <= set(ages.values())
    for table in ("patients", "studies"):
        described = f"from processed.data_dictionary where table_name = 'processed_{table}'"
        names = {row["column_name"]: row for row in rows(explored, described)}
        for name in names.keys() & {"age_years", "first_age_years", "last_age_years"}:
            assert names[name]["attribute"] == "PatientAge"
