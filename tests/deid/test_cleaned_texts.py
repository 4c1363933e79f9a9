"""The texts of many patients: which are cleaned again, in how many processes, and failures."""

from __future__ import annotations

import pyarrow as pa
import pytest

from dicom_pipeline.config.settings import Profile
from dicom_pipeline.deid.cleaning import cleaned_texts as module
from dicom_pipeline.deid.cleaning.cleaned_texts import Rules, clean_texts
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from dicom_pipeline.deid.keys import derive

WORDS = frozenset({"chest", "with", "contrast", "of", "head"})
RULES = Rules(WORDS, {}, {}, Profile.RESEARCH, derive(bytes(range(32)).hex()))
TERMS = [
    ("p1", "s1", "name:meier\nname:anna\ndate:20120304"),
    ("p1", "s2", "name:meier\ndate:20130405"),
    ("p2", "s3", "name:head\ndate:20120304"),
]
TEXTS = [
    ("text", "p1", "s1", "k1", 7, "chest of Meier"),
    ("text", "p1", "s2", "k1", 7, "chest 2012"),
    ("text", "p1", "s1", "k2", 7, "chest 2012"),
    ("text", "p2", "s3", "k3", 14, "head with contrast"),
    ("text", "", "", "k3", None, "head with contrast"),
]


def texts(rows: list[tuple[object, ...]]) -> pa.Table:
    names = ("kind", "patient_key", "study_key", "text_key", "shift_days", "text")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def terms(rows: list[tuple[str, str, str]] = TERMS) -> pa.Table:
    names = ("patient_key", "study_key", "terms")
    return pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def clean(
    known: pa.Table | None = None, terms_: pa.Table | None = None, rules: Rules = RULES
) -> pa.Table:
    return clean_texts(texts(TEXTS), terms_ or terms(), known, rules, workers=1)


def by_key(table: pa.Table) -> dict[tuple[str, str, str], str]:
    return {
        (row["patient_key"], row["study_key"], row["text_key"]): row["clean"]
        for row in table.to_pylist()
    }


def test_a_text_loses_the_terms_of_its_patient_and_the_years_of_all_studies() -> None:
    assert by_key(clean()) == {
        ("p1", "s1", "k1"): "chest of [removed]",
        ("p1", "s2", "k1"): "chest [removed]",
        ("p1", "s1", "k2"): "chest [removed]",
        ("p2", "s3", "k3"): "[removed] with contrast",
        ("", "", "k3"): "head with contrast",
    }


def test_a_text_that_two_tables_have_has_one_result() -> None:
    """Two results would double the rows of both tables."""
    twice = clean_texts(texts([*TEXTS, *TEXTS]), terms(), None, RULES, workers=1)
    assert twice.to_pylist() == clean().to_pylist()


def test_a_text_with_a_known_result_is_not_cleaned_again() -> None:
    known = clean()
    assert clean(known).num_rows == 0


def test_texts_of_a_patient_with_new_terms_are_cleaned_again_and_those_of_devices() -> None:
    known = clean()
    more = terms([*TERMS, ("p1", "s9", "name:chest")])
    assert by_key(clean(known, more)) == {
        ("p1", "s1", "k1"): "[removed] of [removed]",
        ("p1", "s2", "k1"): "[removed]",
        ("p1", "s1", "k2"): "[removed]",
        ("", "", "k3"): "head with contrast",
    }


def test_a_sequence_is_cleaned_again_when_the_shift_of_its_dates_changes_but_a_text_is_not() -> (
    None
):
    line = '[\n{\n"00080020": {"vr": "DA", "Value": ["20120304"]}\n}\n]'

    def shifted(days: int, known: pa.Table | None = None) -> list[dict[str, object]]:
        rows = [
            ("sequence", "p1", "s1", "k9", days, line),
            ("text", "p1", "s1", "k1", days, "chest"),
        ]
        return clean_texts(texts(rows), terms(), known, RULES, workers=1).to_pylist()

    before = shifted(7)
    again = shifted(14, pa.Table.from_pylist(before, schema=module.SCHEMA))
    assert [row["kind"] for row in again] == ["sequence"]
    assert ("20120226" in str(before), "20120219" in str(again)) == (True, True)


@pytest.mark.parametrize(
    "rules",
    [
        Rules(WORDS | {"more"}, {}, {}, Profile.RESEARCH, RULES.secret),
        Rules(WORDS, {"Modality": frozenset({"CT"})}, {}, Profile.RESEARCH, RULES.secret),
        Rules(WORDS, {}, {}, Profile.STRICT, RULES.secret),
    ],
    ids=["words", "terms", "profile"],
)
def test_all_texts_are_cleaned_again_by_other_rules(rules: Rules) -> None:
    assert clean(clean(), rules=rules).num_rows == len(TEXTS)


def test_worker_processes_give_the_same_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORTH_A_POOL", 1)
    monkeypatch.setattr(module, "_TEXTS_PER_TASK", 1)
    pooled = clean_texts(texts(TEXTS), terms(), None, RULES, workers=2)
    assert pooled.to_pylist() == clean().to_pylist()


def test_a_text_whose_cleaning_fails_is_removed_and_marked(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(self: TextCleaner, text: str, *_: object) -> str | None:
        if "Meier" in text:
            raise ValueError(text)
        return text

    monkeypatch.setattr(TextCleaner, "_clean", fail)
    found = {row["text_key"]: row for row in clean().to_pylist() if row["study_key"] == "s1"}
    assert (found["k1"]["clean"], found["k1"]["failed"]) == ("[removed]", True)
    assert (found["k2"]["clean"], found["k2"]["failed"]) == ("chest 2012", False)
    assert "Meier" not in "".join(capfd.readouterr())


def test_no_text_and_no_term_is_in_the_results_or_in_a_repr() -> None:
    result = str(clean().to_pylist())
    assert "Meier" not in result
    assert "meier" not in result
    patient = module._Patient(
        "p1", [module._Text("text", "s1", "k1", "d1", 0, "of Meier")], {"s1": ["m"]}
    )
    assert "Meier" not in repr(patient)
    assert RULES.secret.ki not in repr(RULES)
