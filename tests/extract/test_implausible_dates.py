"""Each raw row names the columns whose date cannot be true, judged from the file alone."""

from pathlib import Path

import pytest

from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract import partition, worker
from dicom_pipeline.extract.tables import ChunkTables, finalize_partition
from dicom_pipeline.headers.reader import Header
from dicom_pipeline.landing.storage import FileVersion
from dicom_pipeline.mapping.attribute_mapping import load_mapping, parse_attribute_path
from dicom_pipeline.mapping.date_rules import DATE_RULES_CSV, load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tests.support.dicom import instance
from tests.support.zone import Zone

IN_2021, IN_2030 = 1_616_000_000 * 10**9, 1_900_000_000 * 10**9
DATES = {"StudyDate": "20210317", "SeriesDate": "19000101", "AcquisitionDate": "18991230"}


@pytest.fixture
def tables() -> ChunkTables:
    terms = IdentityTerms(load_identity_attributes())
    return ChunkTables(load_mapping(), terms, load_date_rules())


def add(tables: ChunkTables, number: int, mtime_ns: int, **values: str) -> None:
    named = {"PatientID": "P", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3"}
    named |= {"SOPInstanceUID": f"1.2.3.{number}"} | values
    by_path = {parse_attribute_path(keyword): value for keyword, value in named.items()}
    found = [by_path.get(path) for path in tables.attribute_paths]
    tables.add(FileVersion(f"{number}.dcm", 1, mtime_ns, None), Header(found, None, 0, "fast"))


def implausible(tables: ChunkTables, table: str) -> list[str | None]:
    return finalize_partition(tables.finish())[table]["implausible_dates"].to_pylist()


def test_the_columns_of_each_table_are_named(tables: ChunkTables) -> None:
    add(tables, 1, IN_2021, **DATES, ContentDate="20210318")
    found = finalize_partition(tables.finish())
    names = {table: found[table]["implausible_dates"].to_pylist() for table in ("images", "series")}
    assert names == {"images": ["acquisition_date"], "series": ["series_date"]}
    assert found["studies"]["implausible_dates"].to_pylist() == [None]
    assert found["images"]["acquisition_date"].to_pylist() == ["18991230"]  # as it is in the file


def test_the_result_for_a_file_does_not_depend_on_other_files(tables: ChunkTables) -> None:
    later = {"StudyDate": "20250101", "ContentDate": "20250101"}
    add(tables, 1, IN_2021, **later)
    alone = implausible(tables, "images")
    add(tables, 2, IN_2030, **later)
    add(tables, 1, IN_2021, **later)
    assert implausible(tables, "images") == [*alone, None] == ["content_date", None]


def test_rows_of_one_study_differ_where_only_one_file_can_have_its_date(
    tables: ChunkTables,
) -> None:
    add(tables, 1, IN_2021, StudyDate="20250101")
    add(tables, 2, IN_2030, StudyDate="20250101")
    assert sorted(map(str, implausible(tables, "studies"))) == ["None", "study_date"]


def test_an_object_in_a_bucket_has_no_modification_time_and_no_latest_date(
    tables: ChunkTables,
) -> None:
    named = {
        "SOPInstanceUID": "1",
        "StudyInstanceUID": "2",
        "SeriesInstanceUID": "3",
        "StudyDate": "20990101",
    }
    by_path = {parse_attribute_path(keyword): value for keyword, value in named.items()}
    values = [by_path.get(path) for path in tables.attribute_paths]
    tables.add(FileVersion("1.dcm", 1, None, "etag"), Header(values, None, 0, "fast"))
    assert implausible(tables, "studies") == [None]


def test_after_a_line_is_added_to_the_seed_all_files_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = Zone(tmp_path)
    zone.put("1", instance(1, SeriesDate="20120229"))
    zone.put("2", instance(2, StudyDate="20130506"))
    zone.load()
    assert zone.load() == 0
    seed = tmp_path / DATE_RULES_CSV.name
    line = "SeriesNumber,,,\nStudyDate,,20130506,Set by a device.\n"
    seed.write_text(DATE_RULES_CSV.read_text() + line)
    for module in (partition, worker):
        monkeypatch.setattr(module, "load_date_rules", lambda: load_date_rules(seed))
    assert zone.load() == 2
    assert sorted(str(row["implausible_dates"]) for row in zone.rows("studies")) == [
        "None", "study_date",
    ]  # fmt: skip
