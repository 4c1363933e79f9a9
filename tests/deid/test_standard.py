"""Every column of the mapping against Table E.1-1 of PS3.15, under both profiles.

`python -m tools.deid_standard` prints the counts.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from dicom_pipeline.mapping.attribute_mapping import (
    MAPPING_CSV,
    Attribute,
    AttributeMapping,
    MappingError,
    load_mapping,
)
from tools.deid_standard import (
    PROFILES,
    Verdict,
    counts_text,
    disagreement,
    problems,
    second_source,
    standard,
)

MAPPING = load_mapping()
COLUMNS = {f"{a.table}.{a.column}": a for a in MAPPING.attributes}


def complaints_about(mapping: AttributeMapping) -> dict[str, list[str]]:
    """Return the problems about a mapping, by profile and column."""
    wrong = {
        f"{profile}: {a.table}.{a.column}": problems(a, profile, standard(), second_source())
        for profile in PROFILES
        for a in mapping.attributes
    }
    return {name: found for name, found in wrong.items() if found}


def test_the_table_is_that_of_edition_2026d() -> None:
    assert len(standard().rules) == 657
    name = standard().rule(0x00100010)
    assert name and (name.name, name.basic) == ("Patient's Name", "Z")


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_column_follows_the_profile(profile: str, name: str) -> None:
    assert problems(COLUMNS[name], profile, standard(), second_source()) == []


def test_the_counts_include_all_columns_checked_against_the_table() -> None:
    text = counts_text(MAPPING)
    print(f"\n{text}")  # noqa: T201 - `pytest -s` shows it
    assert f"{len(COLUMNS)} columns" in text
    assert text.count(": 0 columns with problems") == len(PROFILES)
    assert text.count(f"   0 {Verdict.KEEPS}") == len(PROFILES)


def test_the_second_source_agrees_about_every_attribute_of_the_mapping() -> None:
    """A disagreement needs a reason in the mapping; currently there is none."""
    differ = {name: disagreement(a, standard(), second_source()) for name, a in COLUMNS.items()}
    assert {name: wrong for name, wrong in differ.items() if wrong} == {}
    # the second source covers exactly the attributes that the table lists
    listed = {a.path.tag for a in COLUMNS.values() if standard().rule(a.path.tag)}
    assert listed == {a.path.tag for a in COLUMNS.values()} & second_source().keys()
    assert len(listed) > 70


def test_a_reason_is_a_sentence_about_the_attribute() -> None:
    for name, attribute in COLUMNS.items():
        if reason := attribute.reason:
            assert reason[0].isupper() and reason.endswith("."), name
            assert len(reason.split()) >= 8, name
            assert "proposal" not in reason.lower(), name


# wrong changes of the mapping: (column, changed fields)
MUTANTS: list[tuple[str, dict[str, str]]] = [
    ("patients.patient_name", {"research": "keep"}),
    ("patients.patient_name", {"strict": "clean_text"}),
    ("patients.patient_birth_date", {"research": "shift_date"}),
    ("patients.patient_birth_time", {"research": "keep_time"}),
    ("patients.other_patient_ids", {"research": "pseudonym"}),
    ("patients.patient_id", {"strict": "keep"}),
    ("patients.patient_address", {"research": "keep"}),
    ("patients.patient_age", {"strict": "age_cap"}),
    ("patients.patient_age", {"reason": ""}),
    ("patients.patient_sex", {"strict": "keep_code"}),
    ("patients.patient_weight", {"research": "remove"}),
    ("patients.ethnic_group", {"reviewed": "false"}),
    ("patients.ethnic_group", {"reason": " "}),
    ("patients.smoking_status", {"research": "remove"}),
    ("devices.device_serial_number", {"research": "keep"}),
    ("devices.institution_name", {"research": "clean_text"}),
    ("devices.manufacturer", {"reason": ""}),
    ("devices.software_versions", {"reviewed": "false"}),
    ("devices.station_name", {"strict": "keep_code"}),
    ("studies.accession_number", {"research": "keep"}),
    ("studies.accession_number", {"strict": "keep_number"}),
    ("studies.referring_physician_name", {"research": "clean_text"}),
    ("studies.study_date", {"research": "keep_time"}),
    ("studies.study_date", {"research": "keep"}),
    ("studies.study_date", {"research": "remove"}),
    ("studies.study_date", {"strict": "shift_date"}),
    ("studies.study_description", {"research": "remove"}),
    ("studies.study_description", {"research": "keep"}),
    ("studies.study_instance_uid", {"research": "keep"}),
    ("studies.study_instance_uid", {"strict": "remove"}),
    ("studies.study_time", {"strict": "keep_time"}),
    ("series.body_part_examined", {"research": "remove"}),
    ("series.modality", {"strict": "remove"}),
    ("series.performed_procedure_step_id", {"research": "pseudonym"}),
    ("series.referenced_performed_procedure_step_sequence", {"research": "clean_sequence"}),
    ("series.related_series_sequence", {"strict": "clean_sequence"}),
    ("series.request_attributes_sequence", {"research": "keep"}),
    ("images.referenced_image_sequence", {"reason": ""}),
    ("images.pixel_spacing", {"strict": "remove"}),
    ("images.sop_instance_uid", {"research": "pseudonym"}),
    ("images.sop_class_uid", {"strict": "uid"}),
]


@pytest.mark.parametrize(
    ("name", "changes"), MUTANTS, ids=[f"{name} {fields}" for name, fields in MUTANTS]
)
def test_a_wrong_line_of_the_mapping_is_detected(name: str, changes: dict[str, str]) -> None:
    fields: dict[str, object] = {**changes}
    if "reviewed" in fields:
        fields["reviewed"] = fields["reviewed"] == "true"
    elif {"keep", "keep_code", "keep_number"} & set(changes.values()):
        # a review and a reason do not permit keeping the value
        fields |= {"reviewed": True, "reason": "Somebody finds that it does no harm at all."}
    else:
        fields |= {"reason": changes.get("reason", "")}
    mutant = replace(COLUMNS[name], **fields)  # type: ignore[arg-type]
    assert mutant != COLUMNS[name]
    lines = tuple(mutant if a is COLUMNS[name] else a for a in MAPPING.attributes)
    before, after = complaints_about(MAPPING), complaints_about(AttributeMapping(lines))
    new = {line for line in after if after[line] != before.get(line)}
    assert new and {line.split(": ")[1] for line in new} == {name}


def test_the_mapping_of_the_project_passes() -> None:
    assert complaints_about(MAPPING) == {}


def in_force(attribute: Attribute, profile: str, action: str) -> bool:
    """Return whether an option of the profile has the action for the attribute."""
    rule = standard().rule(attribute.path.tag)
    return rule is not None and any(rule.options.get(o) == action for o in PROFILES[profile])


@pytest.mark.parametrize("profile", PROFILES)
def test_any_column_set_to_keep_is_detected_unless_the_standard_keeps_it(profile: str) -> None:
    """Even with a review and a reason, only unlisted attributes and K by an option may be kept."""
    caught = 0
    for name, attribute in COLUMNS.items():
        kept = replace(attribute, **{profile: "keep"}, reviewed=True, reason="It is harmless.")  # type: ignore[arg-type]
        wrong = problems(kept, profile, standard(), second_source())
        listed = standard().rule(attribute.path.tag) is not None
        free = attribute.path.vr != "SQ" and (not listed or in_force(attribute, profile, "K"))
        assert wrong == ([] if free else [Verdict.KEEPS]), name
        caught += bool(wrong)
    assert caught > 60


@pytest.mark.parametrize("profile", PROFILES)
def test_any_column_set_to_remove_is_detected_where_the_standard_retains_something(
    profile: str,
) -> None:
    caught = 0
    for name, attribute in COLUMNS.items():
        removed = replace(attribute, **{profile: "remove"}, reason="")  # type: ignore[arg-type]
        wrong = problems(removed, profile, standard(), second_source())
        rule = standard().rule(attribute.path.tag)
        something = (
            rule is None
            or "U" in rule.basic
            or in_force(attribute, profile, "K")
            or in_force(attribute, profile, "C")
        )
        assert wrong == ([Verdict.REMOVES] if something else []), name
        caught += bool(wrong)
    assert caught > 90


def test_functions_of_research_are_detected_under_strict_where_the_profiles_differ() -> None:
    differ = [a for a in MAPPING.attributes if a.research != a.strict]
    assert len(differ) > 40
    for attribute in differ:
        relaxed = replace(attribute, strict=attribute.research)
        wrong = problems(relaxed, "strict", standard(), second_source())
        assert wrong == [Verdict.KEEPS], attribute.column


@pytest.mark.parametrize("name", ["patients.patient_name", "devices.manufacturer"])
def test_a_mapping_with_unreviewed_kept_text_cannot_be_loaded(tmp_path: Path, name: str) -> None:
    with MAPPING_CSV.open(newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        if f"{line['table_name']}.{line['column_name']}" == name:
            line["research"] = "keep"
    path = tmp_path / MAPPING_CSV.name
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, lines[0].keys())
        writer.writeheader()
        writer.writerows(lines)
    number = list(COLUMNS).index(name) + 2
    with pytest.raises(MappingError, match=f"^{path.name}, line {number}: keep on text"):
        load_mapping(path)
