"""The partition key of a file is derived from the dates in its first 8 KiB."""

import random
from typing import Any

import pytest

from dicom_pipeline.config.settings import Granularity
from dicom_pipeline.landing.partition_key import HEAD_BYTES, study_day, study_period, usable_date
from tests.support.dicom import SYNTAXES, dataset, encoded

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def day(syntax: str = "explicit", *, preamble: bool = True, **attributes: Any) -> str | None:
    return study_day(encoded(dataset(**attributes), syntax, preamble=preamble)[:HEAD_BYTES])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20120304", "2012-03-04"),
        ("1994.11.05", "1994-11-05"),
        (" 20120304 ", "2012-03-04"),
        ("20120304\0", "2012-03-04"),
        ("19000101", "1900-01-01"),
        ("20991231", "2099-12-31"),
        ("18800101", None),
        ("99990101", None),
        ("00010101", None),
        ("21000101", None),
        ("***", None),
        ("", None),
        ("20121304", None),
        ("20120300", None),
        ("20120332", None),
        ("2012", None),
        ("201203", None),
        ("2012-03-04", None),
        ("20120304-20120405", None),
        ("20120304101112", None),
        ("٢٠١٢٠٣٠٤", None),
    ],
)
def test_a_study_date_is_used_only_if_it_is_valid(text: str, expected: str | None) -> None:
    assert usable_date(text) == expected


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_of_every_transfer_syntax_has_a_partition_key(syntax: str) -> None:
    assert day(syntax) == "2012-03-04"
    assert day(syntax, StudyDate="***", SeriesDate="20130405") == "2013-04-05"


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big endian"])
def test_a_file_without_preamble_has_a_partition_key(syntax: str) -> None:
    assert day(syntax, preamble=False) == "2012-03-04"


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_header_longer_than_the_bytes_read_has_a_partition_key(syntax: str) -> None:
    noise = random.Random(0).randbytes(20_000)  # random bytes do not compress
    made = dataset()
    made.add_new(0x00091001, "OB", noise)
    data = encoded(made, syntax)
    assert len(data) > HEAD_BYTES
    assert study_day(data[:HEAD_BYTES]) == "2012-03-04"


@pytest.mark.parametrize("study", [None, "", "***", "18800101", "99991231"])
def test_without_a_valid_study_date_the_other_dates_are_used_in_order(study: str | None) -> None:
    dates = {"AcquisitionDate": "20130101", "SeriesDate": "20140101", "ContentDate": "20150101"}
    assert day(StudyDate=study, **dates) == "2013-01-01"
    assert day(StudyDate=study, **dates | {"AcquisitionDate": "***"}) == "2014-01-01"
    assert day(StudyDate=study, **dates | {"AcquisitionDate": None, "SeriesDate": ""}) == (
        "2015-01-01"
    )
    assert day(StudyDate=study, InstanceCreationDate="20160101") is None


def test_the_first_of_several_study_dates_is_used() -> None:
    assert day(StudyDate=None, AcquisitionDate=["20130101", "20140101"]) == "2013-01-01"


def test_a_file_that_is_not_dicom_has_no_date() -> None:
    head = encoded(dataset())
    for data in (b"", b"\0" * 132 + b"DICM", b"hello world " * 100, head[:140], b"\xff" * 8192):
        assert study_day(data) is None


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_header_cut_at_any_offset_gives_the_right_date_or_none(syntax: str) -> None:
    data = encoded(dataset(), syntax)
    days = {study_day(data[:end]) for end in range(0, len(data), 3)}
    assert days <= {None, "2012-03-04"}


def test_period_names_depend_on_the_granularity() -> None:
    names = [
        study_period("2012-03-04", granularity)
        for granularity in (Granularity.DAY, Granularity.MONTH, Granularity.YEAR)
    ]
    assert names == ["2012-03-04", "2012-03", "2012"]
    assert {study_period(None, granularity) for granularity in Granularity} == {"undated"}
