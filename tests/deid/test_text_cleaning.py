"""Free text: identifying parts are removed, descriptions of the images are kept."""

from __future__ import annotations

import json
import logging
import unicodedata
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from dicom_pipeline.deid.cleaning import rules_version
from dicom_pipeline.deid.cleaning.own_terms import OwnTerms
from dicom_pipeline.deid.cleaning.patterns.text_patterns import has_pattern
from dicom_pipeline.deid.cleaning.text_cleaning import CleanedText, TextCleaner
from dicom_pipeline.deid.cleaning.text_tokens import SPACES, pieces_of, text_tokens, word_parts
from dicom_pipeline.deid.tokens import lowered
from tests.support import cleaned_texts as cases
from tests.support.cleaned_texts import BLACK, DOE, HAND, LI, TEXTS

from .own import cleaned, cleaner, device_terms, own_terms

RECORDED = [
    json.loads(line)
    for line in Path(__file__).with_name("recorded_texts.jsonl").read_text().split("\n")
    if line
]
NOBODY = OwnTerms.of_patient([], frozenset())


@pytest.mark.parametrize(
    ("patient", "text", "expected"), TEXTS, ids=[text[1] or "empty" for text in TEXTS]
)
def test_identifiers_are_removed_and_the_rest_is_kept(
    patient: dict[str, str], text: str, expected: str
) -> None:
    assert cleaned(patient, text) == (expected or None)


@pytest.mark.parametrize("case", RECORDED, ids=[str(n) for n in range(len(RECORDED))])
def test_results_are_those_that_were_recorded(case: dict[str, str]) -> None:
    """Random texts and their results; each change of a result was read."""
    assert cleaned(getattr(cases, case["patient"]), case["text"]) == case["clean"]


def test_every_value_is_cleaned_and_removed_parts_do_not_join_values() -> None:
    assert cleaned(DOE, "Doe\\chest\\\\head Doe") == "[removed]\\chest\\\\head [removed]"
    ends = "chest 4/3/12\\3/4/12 head\\4 March\\Doe\\aged 95\\contrast"
    values = [value.strip() for value in (cleaned(DOE, ends) or "").split("\\")]
    assert values == ["chest [removed]", "[removed] head", *["[removed]"] * 3, "contrast"]


def test_a_long_text_is_cleaned_to_its_end() -> None:
    text = "chest " * 1500 + "Doe " + "head " * 500
    assert cleaned(DOE, text) == "chest " * 1500 + "[removed] " + ("head " * 500).strip()


@pytest.mark.parametrize("unit", ["1", "1.", "a.", "-", " ", "1-", "Doe ", "\x1e", "2012-"])
def test_the_longest_text_that_extraction_reads_needs_no_quadratic_time(unit: str) -> None:
    """Of one repeated unit, with parts that let no pattern be skipped."""
    text = unit * (40_000 // len(unit)) + " @ 1.1 123-45 11111 Doe"
    assert (cleaned(DOE, text) or "").endswith("[removed]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        (" ", ""),
        ("\t\n", ""),
        ("\u3000chest\u00a0", "chest"),
        ("Doe", "[removed]"),
        ("\x1e\x1d chest ¦ head", "chest   head"),
        ("¦¦¦¦¦\\", "     \\".lstrip()),
        ("12\x003 head\x7f", "12 3 head"),
    ],
)
def test_control_characters_bars_and_spaces(text: str, expected: str | None) -> None:
    assert cleaned(DOE, text) == expected


@pytest.mark.parametrize(
    "text",
    ["DoE", "dOE chest", "JOHN\u212a", "4 \u017fept 2012", "D\u00c9C 2012", "M\u00c4RZ 2012"],
)
def test_the_case_of_letters_makes_no_difference(text: str) -> None:
    result = cleaned(DOE, text)
    assert result is not None
    assert result.startswith("[removed]")


def test_a_word_is_split_at_capitals_and_at_another_script() -> None:
    assert word_parts("mDIXONQuant") == ["m", "DIXON", "Quant"]
    assert word_parts("胸部CT造影") == ["胸部", "CT", "造影"]
    assert word_parts("chest") == ["chest"]


def test_pieces_join_to_the_text() -> None:
    text = "".join(map(chr, range(0x20, 0x3100)))
    assert "".join(pieces_of(text)) == text


def test_texts_of_devices_lose_long_terms_of_all_patients_only() -> None:
    device = device_terms(DOE, HAND, {"PatientID": "AB 12 345", "PatientName": "Acuson^S"})
    clean = cleaner().clean
    assert clean("ACUSON S2012", device).text == "ACUSON S2012"
    assert clean("philips CT hand", device).text == "philips CT hand"
    assert clean("CT AB-12-345 head", device).text == "CT [removed] head"
    # what a pattern has taken does not save the rest of a phrase
    phone = device_terms({"PatientTelephoneNumbers": "00420 704 274 696"})
    assert clean("CT 00420 704 274 696", phone).text == "CT [removed]"
    assert clean("CT 704 274", phone).text == "CT 704 274"


def test_years_of_all_dates_of_the_patient_are_removed_and_other_years_are_kept() -> None:
    assert cleaned(DOE, "chest 2012 2013 1946") == "chest [removed] 2013 [removed]"


def test_the_text_is_removed_if_cleaning_raises_and_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(tokens: object, text: str) -> object:
        raise ValueError(f"cannot clean {text}")

    monkeypatch.setattr("dicom_pipeline.deid.cleaning.text_cleaning.pattern_spans", fail)
    with caplog.at_level(logging.DEBUG):
        result = cleaner().clean("Doe, John: chest", own_terms(DOE))
    assert result == CleanedText("[removed]", failed=True)
    assert not caplog.records
    assert capfd.readouterr() == ("", "")


def test_terms_are_in_no_representation() -> None:
    assert "doe" not in repr(own_terms(DOE))
    assert "li" not in repr(own_terms(LI)).lower().replace("lines", "")


def test_the_result_depends_on_the_text_its_patient_and_its_study_only() -> None:
    """Cleaners remember words, whoever the patient is."""
    remembering = TextCleaner(cleaner().allowed_words)
    texts = [(patient, text) for patient, text, _ in TEXTS]
    first = [remembering.clean(t, own_terms(p)) for p, t in texts]
    again = [remembering.clean(t, own_terms(p)) for p, t in reversed(texts)]
    assert first == again[::-1]


def test_has_pattern_finds_what_cleaning_replaces() -> None:
    assert has_pattern("a 20120304")
    assert has_pattern("MRN 4711")
    assert not has_pattern("HAND 512")
    for _, text, _ in TEXTS:
        nobody = cleaner().clean(text, NOBODY).text or ""
        if has_pattern(text):
            assert "[removed]" in nobody


def test_characters_are_treated_as_by_the_sql_engine() -> None:
    """Lower case, spaces and tokens: all characters are compared."""
    characters = [chr(c) for c in range(1, 0x110000) if not 0xD800 <= c < 0xE000]
    table = pa.table({"c": characters})
    with duckdb.connect() as connection:
        connection.register("characters", table)
        rows = connection.execute("select c, lower(c), trim(c) = '' from characters").fetchall()
    for character, lower, is_space in rows:
        assert lowered(character) == lower
        assert (character in SPACES) == is_space
        assert bool(text_tokens(character)) == bool(text_tokens(lower))
    assert all(unicodedata.category(character) == "Zs" for character in SPACES)


def test_the_version_of_the_rules_covers_all_modules_that_they_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = rules_version._DEID
    files = {name: f"{name.replace('.', '/')}.py" for name in rules_version.RULE_MODULES}
    used = {
        line.split()[1].removeprefix("dicom_pipeline.deid.")
        for file in files.values()
        for line in (folder / file).read_text().splitlines()
        if line.startswith("from dicom_pipeline.deid.")
    }
    assert used <= files.keys()
    (tmp_path / "cleaning" / "patterns").mkdir(parents=True)
    for file in files.values():
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    monkeypatch.setattr(rules_version, "_DEID", tmp_path)
    assert rules_version._digest() == rules_version.RULES_VERSION
    (tmp_path / "cleaning" / "patterns" / "text_patterns.py").write_text("")
    assert rules_version._digest() != rules_version.RULES_VERSION


def test_initials_beside_a_date_are_a_signature() -> None:
    assert cleaned(BLACK, "T2 FB 24.03.2011") == "T2 [removed]"
