"""docs/deid.md agrees with the mapping and the standard, and the tests that it names exist."""

from __future__ import annotations

import ast
import csv
import re
from dataclasses import replace

import pytest
from pydicom.sr.codedict import codes

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import FUNCTIONS, AttributeMapping, load_mapping
from tools.deid_docs import (
    DOCUMENT,
    FUNCTION_NOTES,
    METHODS_CSV,
    TEMPLATE,
    claims,
    document,
    named_tests,
)
from tools.deid_standard import BASIC_CODE, EDITION, OPTION_CODES, PROFILES, standard


def test_the_committed_document_equals_the_output_of_make_deid_docs() -> None:
    assert DOCUMENT.read_text() == document(load_mapping()), "run `make deid_docs`"


@pytest.mark.parametrize("changes", [{"research": "remove"}, {"strict": "keep"}, {"reason": "X."}])
def test_a_change_of_the_mapping_changes_the_document(changes: dict[str, str]) -> None:
    first, *others = load_mapping().attributes
    changed = AttributeMapping((replace(first, **changes), *others))  # type: ignore[arg-type]
    assert document(changed) != document(load_mapping())


def test_every_column_is_in_its_section_once_with_its_tag_and_functions() -> None:
    sections = dict(
        re.findall(r"^### (\w+)\n\n(.*?)\n\n", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    )
    for attribute in load_mapping().attributes:
        rows = [
            [cell.strip() for cell in row.split(" | ")]
            for row in sections[attribute.table].splitlines()
            if row.startswith(f"| `{attribute.column}` |")
        ]
        assert len(rows) == 1, attribute.column
        tag = f"({attribute.path.tag >> 16:04X},{attribute.path.tag & 0xFFFF:04X})"
        rule = standard().rule(attribute.path.tag)
        assert rows[0][1:4] == [
            attribute.attribute,
            tag,
            rule.basic.replace("*", "\\*") if rule else "-",
        ]
        assert rows[0][5:7] == [f"`{attribute.research}`", f"`{attribute.strict}`"]
        assert rows[0][7] == attribute.reason


def does_exist(test: str) -> bool:
    """Return whether pytest would collect a test, without importing its module."""
    path, _, name = test.partition("::")
    if not name.startswith("test_") or not (PROJECT_DIR / path).is_file():
        return False
    tree = ast.parse((PROJECT_DIR / path).read_text())
    return name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_named_in_the_document_exists() -> None:
    assert [test for test in named_tests() if not does_exist(test)] == []
    first = named_tests()[0]
    assert not does_exist(f"{first}_of_nothing")
    assert not does_exist(first.replace("tests/deid", "tests/no"))


def test_every_test_named_in_a_page_exists() -> None:
    pages = [*PROJECT_DIR.glob("*.md"), *(PROJECT_DIR / "docs").glob("*.md"), TEMPLATE]
    named = {
        test
        for page in pages
        for test in re.findall(r"\btests/[\w./-]+\.py::\w+", page.read_text())
    }
    assert len(named) > 100
    assert {test for test in named if not does_exist(test)} == set()


def test_every_claim_is_listed_once_with_its_tests() -> None:
    heading = "\n## Claims and tests\n"
    section = DOCUMENT.read_text().split(heading)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if re.match(r"\s*[-*]\s|\s+\S", line)]
    shown = [re.fullmatch(r"- (\[.+\]\(.+\)): (T[0-9]+(?:, T[0-9]+)*)", line) for line in lines]
    assert [line for line, found in zip(lines, shown, strict=True) if not found] == []
    numbers = {test: f"T{number}" for number, test in enumerate(named_tests(), start=1)}
    assert [(found[1], set(found[2].split(", "))) for found in shown if found] == [
        (claim, {numbers[test] for test in tests}) for claim, tests in claims().items()
    ]
    assert len(lines) > 40


@pytest.mark.parametrize(
    ("page", "heading"), [("README.md", "Privacy"), ("docs/deidentification.md", "")]
)
def test_a_page_that_makes_claims_refers_to_their_tests(page: str, heading: str) -> None:
    text = (PROJECT_DIR / page).read_text()
    section = text.split(f"\n## {heading}\n")[1] if heading else text
    assert "deid.md#claims-and-tests" in section.split("\n## ")[0]


def test_every_function_has_an_explanation_and_a_test() -> None:
    assert set(FUNCTION_NOTES) == FUNCTIONS
    assert [name for name, note in FUNCTION_NOTES.items() if not note[2]] == []


def test_the_published_codes_are_those_of_cid_7050_for_the_options_of_the_profiles() -> None:
    with METHODS_CSV.open(newline="") as file:
        lines = list(csv.DictReader(file))
    meanings = {
        (code.value, code.scheme_designator): code.meaning
        for code in (getattr(codes.cid7050, name) for name in codes.cid7050.dir())
    }
    assert {OPTION_CODES[o] for o in OPTION_CODES} < {value for value, _ in meanings}
    for profile, options in PROFILES.items():
        mine = [line for line in lines if line["profile"] == profile]
        assert {line["code_value"] for line in mine} == {BASIC_CODE} | {
            OPTION_CODES[option] for option in options
        }
    for line in lines:
        key = (line["code_value"], line["coding_scheme_designator"])
        assert line["code_meaning"] == meanings[key]
    assert len(lines) == len({(line["profile"], line["code_value"]) for line in lines})


@pytest.mark.parametrize("option", OPTION_CODES)
def test_an_option_of_the_table_has_the_code_of_that_name(option: str) -> None:
    """`retain_uids` is the Retain UIDs Option: its words occur in the code meaning, in order."""
    by_value = {
        code.value: code.meaning.lower()
        for code in (getattr(codes.cid7050, name) for name in codes.cid7050.dir())
    }
    words = option.split("_")
    meaning = by_value[OPTION_CODES[option]].split()
    assert [word for word in meaning if word in words] == words


def test_the_published_edition_is_the_one_that_the_mapping_is_checked_against() -> None:
    model = PROJECT_DIR / "dbt_snowflake" / "models" / "processed" / "deidentification.sql"
    assert f"'{EDITION}' as standard" in model.read_text()
