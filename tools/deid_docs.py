"""Generate docs/deid.md from the mapping, Table E.1-1 of PS3.15 and deid_docs.template.md.

Belongs here: the lists in that document, and the numbers of the tests.
Does not belong here: its text and its claims (deid_docs.template.md), comparing the mapping with
the standard (deid_standard).
"""

from __future__ import annotations

import csv
import re
import sys
from functools import cache
from pathlib import Path

from dicom_pipeline.config.project import DBT_PROJECT_DIR, PROJECT_DIR
from dicom_pipeline.mapping.attribute_mapping import (
    FUNCTIONS,
    Attribute,
    AttributeMapping,
    load_mapping,
)
from dicom_pipeline.mapping.vr_functions import Fit, vr_functions
from tools.deid_standard import EDITION, OPTION_CODES, PROFILES, Table, counts_text, standard

DOCUMENT = PROJECT_DIR / "docs" / "deid.md"
TEMPLATE = Path(__file__).with_name("deid_docs.template.md")
METHODS_CSV = DBT_PROJECT_DIR / "seeds" / "deidentification_methods.csv"
# a claim of the template; the lines below it name its tests
_CLAIM = re.compile(r"^- (\[.+\]\(.+\))((?:\n  tests/\S+::\w+)+)$", re.MULTILINE)
TABLES = ("patients", "studies", "series", "images", "devices")

_VALUES = "tests/warehouse/test_values.py::"
_READ = _VALUES + "test_a_value_is_read_or_null_and_a_null_is_counted"
_LEAKED = (
    "tests/warehouse/test_leak_check.py::"
    "test_a_kept_value_that_identifies_the_patient_becomes_null_and_is_counted"
)
_COMPUTED = _VALUES + "test_keys_uids_pseudonyms_and_dates_are_what_the_oracle_computes"
# checks the function of each column against Table E.1-1; column names are its parameters
STANDARD_TEST = "tests/deid/test_standard.py::test_a_column_follows_the_profile"
_FUNCTION_CHECK = "tests/mapping/test_function_check.py::"
# checks of a line when the mapping is loaded
FIT_TEST = _FUNCTION_CHECK + "test_a_function_is_accepted_or_refused_for_a_vr_whatever_the_type_is"
PROFILE_TEST = (
    _FUNCTION_CHECK
    + "test_the_profile_permits_what_the_standard_permits_for_every_listed_attribute"
)
RISK_TEST = _FUNCTION_CHECK + "test_a_protected_value_is_kept_with_an_accepted_risk"
_FIT_SIGNS = {
    Fit.ACCEPTED: "yes",
    Fit.REVIEWED: "review",
    Fit.CLASS_UID: "class",
    Fit.ACCEPTED_RISK: "risk",
    Fit.REFUSED: "-",
}
# by function: its effect, the corresponding actions of Table E.1-1, and its tests
FUNCTION_NOTES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "age_cap": (
        "kept up to 89 years, otherwise `090Y`",
        "K up to 89 years",
        (_VALUES + "test_an_age_over_89_is_capped_and_a_malformed_one_is_null",),
    ),
    "anon_text": ("the constant `ANONYMIZED`", "D", (_READ,)),
    "clean_sequence": (
        "in the items: UIDs replaced, names removed, texts cleaned, dates shifted, codes and "
        "numbers kept, all other elements removed",
        "C, and K or U* of a sequence; only with 113105 and 113107",
        (
            "tests/warehouse/test_sequences.py::test_each_value_is_treated_by_its_vr_and_its_tag",
            "tests/deid/test_sequence_cleaning.py::"
            "test_each_value_is_treated_by_its_vr_and_its_tag",
            "tests/warehouse/test_sequence_attributes.py::"
            "test_the_output_of_each_attribute_follows_the_profile",
        ),
    ),
    "clean_text": (
        "own identifiers of the patient, patterns such as dates and telephone numbers, and words "
        "that are not on the list become `[removed]`",
        "C of 113105 and 113108",
        (
            "tests/warehouse/test_clean_text.py::test_identifiers_are_removed_and_the_rest_is_kept",
            "tests/deid/test_text_cleaning.py::test_identifiers_are_removed_and_the_rest_is_kept",
        ),
    ),
    "keep": (
        "unchanged; a text only if it identifies nobody, and with a review and a reason",
        "K",
        (
            "tests/warehouse/test_kept_values.py::"
            "test_a_version_is_kept_unless_it_identifies_a_patient_of_its_device",
            "tests/deid/test_version_patterns.py::test_an_identifier_in_a_version_is_found",
            _READ,
            _LEAKED,
        ),
    ),
    "keep_code": (
        "kept in capitals if it is a code, or consists of words on the list, unless it identifies "
        "somebody",
        "K",
        (
            "tests/deid/test_kept_codes.py::test_a_code_is_kept_in_capitals_if_it_is_safe",
            _READ,
            _LEAKED,
        ),
    ),
    "keep_number": (
        "kept if it is a number, unless it equals an identifier or a date of the patient",
        "K",
        (
            _READ,
            "tests/warehouse/test_leaked_cells.py::"
            "test_an_identifier_is_found_in_every_column_of_numbers",
            "tests/deid/test_sequence_cleaning.py::"
            "test_a_number_is_removed_if_it_is_an_identifier_or_a_date_of_the_patient",
        ),
    ),
    "keep_time": (
        "time of day, to the second: dates are shifted by whole days",
        "C of 113107",
        (_READ,),
    ),
    "pseudonym": ("keyed hash, 32 hex digits", "Z or D", (_COMPUTED,)),
    "remove": (
        "null",
        "X, Z or D",
        ("tests/warehouse/test_profiles.py::test_each_profile_uses_its_own_mapping_column",),
    ),
    "shift_date": (
        "shifted back by a number of whole weeks that depends on the patient; null if it cannot be "
        "true",
        "C of 113107",
        (
            _COMPUTED,
            _READ,
            "tests/mapping/test_date_rules.py::"
            "test_zero_dates_of_programs_cannot_be_true_in_any_attribute",
        ),
    ),
    "shift_datetime": ("same as `shift_date`", "C of 113107", (_READ,)),
    "uid": (
        "UID under `2.25.` from the keyed hash, equal for equal UIDs in all tables",
        "U",
        (_COMPUTED,),
    ),
}


def document(mapping: AttributeMapping) -> str:
    """Return the expected text of docs/deid.md."""
    table = standard()
    text = _CLAIM.sub(
        lambda claim: f"- {claim[1]}: {_numbers(claim[2].split())}",
        TEMPLATE.read_text(encoding="utf-8"),
    )
    parts = {
        "edition": EDITION,
        "methods": _methods(),
        "counts": _indented(counts_text(mapping)),
        "functions": _functions(),
        "fits": _fits(),
        "fit_test": _numbers([FIT_TEST]),
        "profile_test": _numbers([PROFILE_TEST]),
        "risk_test": _numbers([RISK_TEST]),
        "columns": _columns(mapping, table),
        "tests": _tests(),
    }
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def claims() -> dict[str, list[str]]:
    """Return the tests of each claim of the template."""
    found = _CLAIM.findall(TEMPLATE.read_text(encoding="utf-8"))
    return {claim: tests.split() for claim, tests in found}


@cache
def named_tests() -> tuple[str, ...]:
    """Return all tests that the document refers to, in the order of their numbers."""
    named = [STANDARD_TEST]
    for function in sorted(FUNCTIONS):
        named += [test for test in FUNCTION_NOTES[function][2] if test not in named]
    named += [FIT_TEST, PROFILE_TEST, RISK_TEST, *(t for tests in claims().values() for t in tests)]
    return tuple(dict.fromkeys(named))


def _methods() -> str:
    with METHODS_CSV.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    rows = [[f"`{line['profile']}`", line["code_value"], line["code_meaning"]] for line in lines]
    return _table(["profile", "code", "meaning"], rows)


def _functions() -> str:
    rows = [
        [f"`{name}`", *FUNCTION_NOTES[name][:2], _numbers(FUNCTION_NOTES[name][2])]
        for name in sorted(FUNCTIONS)
    ]
    return _table(["function", "what it does", "actions of Table E.1-1", "tests"], rows)


def _fits() -> str:
    """Return the table of VR and function; VRs with the same cells share a row."""
    functions = sorted(FUNCTIONS)
    rows: dict[tuple[Fit, ...], list[str]] = {}
    for vr, fits in vr_functions().items():
        rows.setdefault(tuple(fits[name] for name in functions), []).append(vr)
    return _table(
        ["VR", *(f"`{name}`" for name in functions)],
        [[", ".join(vrs), *(_FIT_SIGNS[fit] for fit in row)] for row, vrs in rows.items()],
    )


def _columns(mapping: AttributeMapping, table: Table) -> str:
    head = ["column", "attribute", "tag", "basic", "options", "`research`", "`strict`"]
    parts = []
    for name in TABLES:
        rows = [_row(attribute, table) for attribute in mapping.table(name)]
        parts += [f"### {name}", _table([*head, "reason", "tests"], rows)]
    return "\n\n".join(parts)


def _row(attribute: Attribute, table: Table) -> list[str]:
    rule = table.rule(attribute.path.tag)
    applied = PROFILES["research"]
    options = [
        f"**{OPTION_CODES[name]} {action}**"
        if name in applied
        else f"{OPTION_CODES[name]} {action}"
        for name, action in (rule.options.items() if rule else ())
    ]
    tag = attribute.path.tag
    functions = (attribute.research, attribute.strict)
    tests = [STANDARD_TEST] + [t for f in functions for t in FUNCTION_NOTES[f][2]]
    return [
        f"`{attribute.column}`",
        attribute.attribute,
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
        rule.basic.replace("*", "\\*") if rule else "-",
        ", ".join(options),
        *(f"`{function}`" for function in functions),
        attribute.reason,
        _numbers(tests),
    ]


def _numbers(tests: list[str] | tuple[str, ...]) -> str:
    named = named_tests()
    return ", ".join(f"T{n}" for n in sorted({named.index(test) + 1 for test in tests}))


def _tests() -> str:
    lines = []
    for number, test in enumerate(named_tests(), start=1):
        path, _, name = test.partition("::")
        lines.append(f"- **T{number}** [{path}](../{path}), `{name}`")
    lines[0] += "; its parameters are the profile and `table.column`"
    return "\n".join(lines)


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(c.replace("|", "\\|") for c in line) + " |" for line in lines
    )


def _indented(text: str) -> str:
    return "\n".join(["   ```text", *(f"   {line}" for line in text.splitlines()), "   ```"])


if __name__ == "__main__":
    DOCUMENT.write_text(document(load_mapping()), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT.relative_to(PROJECT_DIR)} is written\n")
