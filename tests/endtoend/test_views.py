"""The published views, compared with values read by pydicom and computed by numpy."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pydicom
import pytest

from tests.support.project import copy_project
from tests.warehouse.oracle import Oracle

from .conftest import EXPLORED_KEY, Site
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


def numbers_of(header: pydicom.Dataset, keyword: str) -> Any:
    value = header.get(keyword)
    if isinstance(value, pydicom.multival.MultiValue):
        return tuple(map(float, value))
    return None if value in (None, "") else float(value)


def common_value(headers: list[pydicom.Dataset], keyword: str) -> Any:
    values = {numbers_of(header, keyword) for header in headers}
    return values.pop() if len(values) == 1 else None


def geometry(headers: list[pydicom.Dataset]) -> dict[str, Any]:
    """Return the expected geometry of a series."""
    expected = dict.fromkeys(
        ("has_one_orientation", "orientation_plane", "slice_count", "slice_spacing",
         "missing_slices", "is_regular", "images_per_slice", "smallest_step", "largest_step"),
    )  # fmt: skip
    placed = [h for h in headers if h.get("ImageOrientationPatient")]
    directions = [np.array(h.ImageOrientationPatient, float) for h in placed]
    normals = [np.cross(d[:3], d[3:]) for d in directions]
    usable = [n for n in normals if abs(np.linalg.norm(n) - 1) < 0.04]
    if not usable:
        return expected
    normal = usable[0] / np.linalg.norm(usable[0])
    cosines = [float(n @ normal) / np.linalg.norm(n) for n in usable]
    expected["has_one_orientation"] = min(cosines) > 0.9999
    if not expected["has_one_orientation"]:
        expected["is_regular"] = False
        return expected
    axis = int(np.argmax(np.abs(normal)))
    plane = ("sagittal", "coronal", "axial")[axis]
    expected["orientation_plane"] = plane if abs(normal[axis]) >= 0.9 else "oblique"
    positions = [h.ImagePositionPatient for h in placed if h.get("ImagePositionPatient")]
    distances = np.sort([np.array(p, float) @ normal for p in positions])
    new = np.diff(distances, prepend=-np.inf) > 0.01
    slices, counts = distances[new], np.diff([*np.flatnonzero(new), len(distances)])
    expected["slice_count"] = len(slices)
    expected["images_per_slice"] = int(counts[0]) if len(set(counts)) == 1 else None
    if len(slices) < 2:
        expected["missing_slices"] = 0
        return expected
    steps = np.diff(slices)
    spacing = float(np.median(steps))
    uniform = max(abs(steps - spacing)) <= max(0.01, 0.01 * spacing)
    same = all(common_value(headers, k) is not None for k in ("Rows", "Columns", "PixelSpacing"))
    return expected | {
        "slice_spacing": pytest.approx(spacing, abs=1e-9),
        "smallest_step": pytest.approx(min(steps), abs=1e-9),
        "largest_step": pytest.approx(max(steps), abs=1e-9),
        "missing_slices": sum(round(s / spacing) - 1 for s in steps if s > 1.5 * spacing),
        "is_regular": bool(
            uniform and same and len(set(counts)) == 1 and len(positions) == len(headers)
        ),
    }


def test_the_geometry_of_every_series_equals_that_of_its_files(
    explored: Site, headers: dict[str, list[pydicom.Dataset]]
) -> None:
    found = {row["series_key"]: row for row in rows(explored, "from processed.series_geometry")}
    assert headers.keys() <= found.keys()
    assert len(headers) > 40
    for key, files in headers.items():
        ours = found[key]
        uid = files[0].SeriesInstanceUID
        expected = geometry(files)
        assert {name: ours[name] for name in expected} == expected, uid
        spacing = common_value(files, "PixelSpacing")
        assert (ours["row_spacing"], ours["column_spacing"]) == (spacing or (None, None)), uid
        assert ours["slice_thickness"] == common_value(files, "SliceThickness"), uid
        assert (ours["rows"], ours["columns"]) == (
            common_value(files, "Rows"), common_value(files, "Columns")
        ), uid  # fmt: skip
        assert ours["image_count"] == len(files), uid
        assert ours["frame_count"] == sum(int(h.get("NumberOfFrames") or 1) for h in files), uid


def test_the_geometry_of_generated_series_is_as_specified(explored: Site) -> None:
    """Compare with values given by hand, which also checks the oracle."""
    found = {
        name: row
        for place, name in enumerate(SERIES, 1)
        for row in rows(
            explored,
            "from processed.series_geometry where series_key ="
            f" '{ORACLE.key('series_key', f'1.2.77.{place}.1')}'",
        )
    }
    assert {name for name, row in found.items() if row["is_regular"]} == {
        "chest", "chest thick", "tilted", "coronal", "sagittal", "nearly even", "two echoes",
    }  # fmt: skip
    assert {name for name, row in found.items() if row["is_regular"] is None} == {
        "single", "no plane",
    }  # fmt: skip
    planes = [found[name]["orientation_plane"] for name in ("chest", "tilted", "localizer")]
    assert planes == ["axial", "oblique", None]
    assert found["gap"]["missing_slices"] == 2
    assert found["two echoes"]["images_per_slice"] == 2
    assert found["chest"]["slice_spacing"] == 1.25


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
        if done != "removed" and not column.startswith(("first_", "last_patient"))
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
