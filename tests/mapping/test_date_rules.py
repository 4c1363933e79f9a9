"""Dates that cannot be true, judged from their own file only."""

from datetime import date
from pathlib import Path

import pytest

from dicom_pipeline.mapping.attribute_mapping import MappingError
from dicom_pipeline.mapping.date_rules import DateRules, day_of, load_date_rules, parse_day

RULES = load_date_rules()
STUDY = "20210317"
MODIFIED = date(2021, 3, 20)
ZERO_DATES = ["18580101", "18581117", "18991230", "18991231", "19000101", "19000102", "19010101"]
CLOCKS = ["19040101", "19700101", "19800101", "19800106", "19900101", "20000101", "20100101"]


def judge(
    value: str,
    attribute: str = "InstanceCreationDate",
    study: str | None = STUDY,
    modified: date = MODIFIED,
) -> bool:
    return RULES.is_implausible(attribute, value, study, modified)


@pytest.mark.parametrize("value", [*ZERO_DATES, *CLOCKS, "1899.12.30", "19700101120000.5"])
@pytest.mark.parametrize("attribute", ["StudyDate", "ContentDate", "InstanceCreationDate"])
def test_zero_dates_of_programs_cannot_be_true_in_any_attribute(attribute: str, value: str) -> None:
    assert judge(value, attribute)


@pytest.mark.parametrize("value", ["19010102", "19500101", "19600101", "20210321"])
@pytest.mark.parametrize("study", ["", "20210317"])
def test_a_date_from_1901_to_a_day_after_the_file_was_written_can_be_true(
    study: str, value: str
) -> None:
    assert not judge(value, "PatientBirthDate", study=study)


@pytest.mark.parametrize("value", ["19010102", "19500101", "19600101", "20210321"])
def test_a_date_of_a_file_without_study_date_is_not_judged_by_its_distance(value: str) -> None:
    assert not judge(value, study="")


@pytest.mark.parametrize("value", ["20210322", "20991231", "20210322235959"])
def test_a_date_later_than_a_day_after_the_file_was_written_cannot_be_true(value: str) -> None:
    assert judge(value)
    assert judge(value, "StudyDate", study=value)


@pytest.mark.parametrize(
    "attribute",
    ["AcquisitionDate", "InstanceCreationDate", "LastMenstrualDate", "ScheduledStudyStartDate"],
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [("20200316", False), ("20200315", True), ("19500101", True), ("19600101", True)],
)
def test_a_date_more_than_366_days_from_the_study_cannot_be_true(
    attribute: str, value: str, expected: bool
) -> None:
    assert judge(value, attribute) is expected
    assert judge("20230101", attribute, study="20220101", modified=date(2023, 5, 1)) is False
    assert judge("20230103", attribute, study="20220101", modified=date(2023, 5, 1)) is True


def test_a_path_is_judged_by_its_last_keyword() -> None:
    assert judge("19500101", "ReferencedImageSequence[0].ContentDate")


@pytest.mark.parametrize("study", [None, "", "***", "18991230", "20991231"])
def test_without_a_plausible_study_date_nothing_is_compared_with_it(study: str | None) -> None:
    assert not judge("19500101", "ContentDate", study=study)
    assert judge("19000101", "ContentDate", study=study)


@pytest.mark.parametrize("modified", [0, -5, None, 315532800 * 10**9, 10**30])
def test_a_modification_time_before_the_standard_limits_no_date(modified: int | None) -> None:
    """Archives without times give their members those of 1970 or 1980."""
    assert not judge("20210317", modified=day_of(modified))


@pytest.mark.parametrize(
    "value", ["", "***", "2021", "202103", "20211399", "2021.0317", "2021-03-17"]
)
def test_what_is_no_date_is_not_judged(value: str) -> None:
    assert parse_day(value) is None
    assert not judge(value, "ContentDate")


def test_one_impossible_value_of_several_is_enough() -> None:
    assert judge("20210317\\19700101") and not judge("20210317\\20210316")


def test_a_line_of_the_seed_adds_a_placeholder_or_a_distance(tmp_path: Path) -> None:
    seed = tmp_path / "date_rules.csv"
    seed.write_text(
        "attribute,days_from_study,placeholders,reason\n"
        "StudyDate,,20000101,Set by a device\nSeriesDate,10,,\n"
    )
    rules = load_date_rules(seed)
    assert rules.is_implausible("StudyDate", "20000101", "20000101", MODIFIED)
    assert not rules.is_implausible("SeriesDate", "20000101", "20000101", MODIFIED)
    assert rules.is_implausible("SeriesDate", "20210301", STUDY, MODIFIED)
    assert not rules.is_implausible("ContentDate", "19500101", STUDY, MODIFIED)
    assert rules.digest != RULES.digest == DateRules(**vars(RULES)).digest


@pytest.mark.parametrize(
    "line",
    [
        "SeriesDate,ten,,",
        "SeriesDate,,2000-01-01,",
        "SeriesDate,,20001301,",
        "SeriesDate,1,,\nSeriesDate,2,,",
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    seed = tmp_path / "date_rules.csv"
    seed.write_text(f"attribute,days_from_study,placeholders,reason\n{line}\n")
    with pytest.raises(MappingError, match=r"date_rules.csv, line [23]: "):
        load_date_rules(seed)
