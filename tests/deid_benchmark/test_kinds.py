"""The benchmark of text cleaning by kinds: its answers, and the least scores of the rules."""

from __future__ import annotations

import random

import pytest

from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from tests.deid.own import cleaner

from .kinds.__main__ import Answer, of_harmless, of_kind, table
from .kinds.case import (
    CONTEXT,
    KINDS,
    REMOVED,
    RETAINED,
    Case,
    is_context_retained,
    is_removed,
    is_retained,
)
from .kinds.patients import patient


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    clean_by = TextCleaner(cleaner().allowed_words)
    found = [answer for kind in KINDS.values() for answer in of_kind(kind, 8, clean_by)]
    return [*found, *of_harmless(clean_by)]


@pytest.mark.parametrize(
    ("clean", "removed", "retained"),
    [
        ("CT [removed] left", True, True),
        ("CT 47 left", False, True),
        ("CT [removed]", True, False),
        ("CT ４７ left", False, True),
    ],
)
def test_an_identifier_is_removed_if_none_of_its_tokens_remains(
    clean: str, removed: bool, retained: bool
) -> None:
    case = Case("CT ", "47 11", " left")
    assert is_removed(case, clean) is removed
    assert is_context_retained(case, clean) is retained


def test_a_token_that_also_stands_around_the_identifier_may_remain_once() -> None:
    case = Case("3 mm ", "3/12", "")
    assert is_removed(case, "3 mm [removed]")
    assert not is_removed(case, "3 mm 3 [removed]")


def test_a_harmless_text_is_compared_without_spaces_at_its_ends() -> None:
    assert is_retained("chest ", "chest")
    assert not is_retained("chest", "Chest")


def test_about_a_third_of_the_kinds_is_held_out() -> None:
    share = sum(kind.is_held_out for kind in KINDS.values()) / len(KINDS)
    assert 0.25 < share < 0.42


def test_a_kind_makes_the_same_texts_each_time() -> None:
    for kind in KINDS.values():
        made = []
        for _ in range(2):
            chance = random.Random(kind.name)
            made.append(kind.make(chance, patient(chance, has_short_id=kind.has_short_id)))
        assert made[0] == made[1]


@pytest.mark.parametrize(
    ("action", "tier", "least"),
    [
        (REMOVED, "own, usual", 0.999),
        (REMOVED, "own, rewritten", 0.999),
        (REMOVED, "strangers, usual", 0.99),
        (REMOVED, "strangers, rare", 0.98),
        (CONTEXT, "own, usual", 0.98),
        (CONTEXT, "own, rewritten", 0.98),
        (RETAINED, "harmless", 0.97),
    ],
)
def test_the_rules_reach_the_least_score(
    action: str, tier: str, least: float, answers: list[Answer]
) -> None:
    passed = [a.passed for a in answers if (a.action, a.tier) == (action, tier)]
    assert sum(passed) / len(passed) >= least


def test_the_table_has_tuning_and_held_out_side_by_side(answers: list[Answer]) -> None:
    lines = table(answers).splitlines()
    assert lines[0].split() == ["action", "tier", "texts", "tuning", "held", "out"]
    assert all("|" in line for line in lines[1:])
