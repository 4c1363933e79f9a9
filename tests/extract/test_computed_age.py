"""The age of a patient is computed from the dates of the file, in the units of PatientAge."""

import random
from datetime import date, timedelta

import pytest

from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.computed_age import IMPOSSIBLE, age_string
from dicom_pipeline.extract.tables import ChunkTables, finalize_partition
from dicom_pipeline.headers.reader import Header
from dicom_pipeline.landing.storage import FileVersion
from dicom_pipeline.mapping.attribute_mapping import load_mapping, parse_attribute_path
from dicom_pipeline.mapping.date_rules import load_date_rules
from dicom_pipeline.mapping.identity_attributes import load_identity_attributes
from tests.support.ages import expected_age

IN_2021 = 1_616_000_000 * 10**9


def computed(mtime_ns: int | None = IN_2021, **values: str) -> str | None:
    """Return the age in the row of a file."""
    terms = IdentityTerms(load_identity_attributes())
    tables = ChunkTables(load_mapping(), terms, load_date_rules())
    named = {"PatientID": "P", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.3"}
    named |= {"SOPInstanceUID": "1.2.3.4"} | values
    by_path = {parse_attribute_path(keyword): value for keyword, value in named.items()}
    header = Header([by_path.get(path) for path in tables.attribute_paths], None, 0, "fast")
    tables.add(FileVersion("a.dcm", 1, mtime_ns, None), header)
    [row] = finalize_partition(tables.finish())["images"].to_pylist()
    age = row["computed_age"]
    assert age is None or isinstance(age, str)
    return age


def test_ages_equal_the_number_of_anniversaries() -> None:
    choice = random.Random(4)
    for number in range(1500):
        birth = date(1930, 1, 1) + timedelta(days=choice.randrange(30_000))
        span = (70, 800, 36_000)[number % 3]
        day = birth + timedelta(days=choice.randrange(span))
        assert age_string(birth, day) == expected_age(birth, day), (birth, day)


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ("20200101", "20200101", "000D"),
        ("20200101", "20200131", "030D"),
        ("20200131", "20200229", "029D"),
        ("20200131", "20200331", "002M"),
        ("20200101", "20200229", "059D"),
        ("20200101", "20200301", "002M"),
        ("20190317", "20210316", "023M"),
        ("20190317", "20210317", "002Y"),
        ("20160229", "20190228", "002Y"),
        ("20160229", "20190301", "003Y"),
        ("20160229", "20200229", "004Y"),
        ("19310317", "20210316", "089Y"),
        ("19310317", "20210317", "090Y"),
        ("19300317", "20210317", "091Y"),
        ("1931.03.17", "2021.03.17", "090Y"),
    ],
)
def test_an_age_has_the_largest_completed_unit(birth: str, day: str, age: str) -> None:
    assert computed(PatientBirthDate=birth, StudyDate=day) == age


@pytest.mark.parametrize(
    "birth",
    ["", "1950", "195005", "1950-05-04", "19500230", "00000000", "00010101", "18581117", "19000101",
     "19700101", "20000101", "19500504\\19500505", "19500504T", "unknown", "XXXXXXXX"],
)  # fmt: skip
def test_a_birth_date_that_is_incomplete_or_a_placeholder_gives_no_age(birth: str) -> None:
    assert computed(PatientBirthDate=birth, StudyDate="20210317") is None


@pytest.mark.parametrize("birth", ["20210318", "20210401", "20220101"])
def test_a_birth_after_the_study_is_impossible(birth: str) -> None:
    assert computed(PatientBirthDate=birth, StudyDate="20210317") == IMPOSSIBLE


def test_an_age_above_130_years_is_impossible() -> None:
    assert age_string(date(1901, 3, 17), date(2032, 3, 16)) == "130Y"
    assert age_string(date(1901, 3, 17), date(2032, 3, 17)) == IMPOSSIBLE
    later = {"PatientBirthDate": "19010317", "StudyDate": "20320317"}
    assert computed(None, **later) == IMPOSSIBLE
    assert computed(**later) is None  # the file is older than its study, so the date is wrong


@pytest.mark.parametrize(
    ("dates", "age"),
    [
        ({"StudyDate": "20210317", "SeriesDate": "20200101"}, "040Y"),
        ({"StudyDate": "", "SeriesDate": "20200101"}, "039Y"),
        ({"StudyDate": "19000101", "SeriesDate": "20200101"}, "039Y"),
        ({"StudyDate": "20250101", "SeriesDate": "20200101"}, "039Y"),
        ({"StudyDate": "2021", "AcquisitionDate": "20200101"}, "039Y"),
        ({"SeriesDate": "19700101", "AcquisitionDate": "20190101"}, "038Y"),
        ({"SeriesDate": "", "AcquisitionDate": "20219999", "ContentDate": "20180101"}, "037Y"),
        ({"InstanceCreationDate": "20200101"}, None),
        ({"StudyDate": "20000101"}, None),
    ],
)
def test_the_first_date_of_the_file_that_can_be_true_counts(
    dates: dict[str, str], age: str | None
) -> None:
    values = {keyword: value for keyword, value in dates.items() if value}
    assert computed(PatientBirthDate="19800401", **values) == age


def test_a_file_without_a_birth_date_has_no_computed_age() -> None:
    assert computed(PatientAge="044Y", StudyDate="20210317") is None
