"""Remaining identifiers and lost harmless text in a cleaned text."""

from __future__ import annotations

import random
from datetime import date, time

import pytest

from . import renderings
from .people import Person
from .text_answers import judge
from .texts import Part, Planted, Role, Text, plain, split_names, tokens


def a_text(*parts: str | Planted) -> Text:
    """Return a text: strings must remain unless in brackets; planted parts must be removed."""
    made = []
    for part in parts:
        if isinstance(part, Planted):
            made.append(Part(part.text, Role.GO, "name", True, part))
        elif part.startswith("["):
            made.append(Part(part[1:-1], Role.EITHER))
        else:
            made.append(Part(part, Role.STAY))
    return Text(tuple(made), "t")


DOE = Planted("DoeJ", ("doe",))
DATE = Planted("3/4/2012", ("3", "4", "2012"))
INITIALS = Planted("J.D.", ("j", "d"), together=True)
NUMBER = Planted("00471182", ("00471182",))


@pytest.mark.parametrize(
    ("text", "output", "missing", "left"),
    [
        (a_text("CT 3.0 mm ", DOE), "CT 3.0 mm [removed]", None, 0),
        (a_text("CT 3.0 mm ", DOE), "CT 3.0 mm", None, 0),
        (a_text("CT 3.0 mm ", DOE), "CT 3.0 mm J", None, 0),
        (a_text("CT 3.0 mm ", DOE), "CT 3.0 mm doej", None, 1),
        (a_text("CT 3.0 mm ", DOE), "CT 3.0 mm Doe", None, 1),
        (a_text("CT 3.0 mm ", DOE), "CT 3 mm [removed]", "3.0", 0),
        (a_text("CT 3.0 mm ", DOE), "[removed]", "CT", 0),
        (a_text("CT 3.0 mm ", DOE), None, "CT", 0),
        (a_text("CT CHEST"), "CT CHEST ", None, 0),
        (a_text("CT CHEST"), "CTCHEST", "CT", 0),
        (a_text("CT  CHEST"), "CT CHEST", "...", 0),
        (a_text("mm 3 mm"), "mm 3", "mm", 0),
        (a_text("3 mm, ", DATE), "3 mm, [removed]", None, 0),
        (a_text("3 mm, ", DATE), "3 mm, 3/[removed]", None, 1),
        (a_text("3 mm, ", DATE), "3 mm, 2012", None, 1),
        (a_text("[DOB] ", DATE, " CT"), "[removed] CT", None, 0),
        (a_text("[DOB] ", DATE, " CT"), "DOB [removed] CT", None, 0),
        (a_text("for ", INITIALS), "for J.[removed]", None, 0),
        (a_text("for ", INITIALS), "for J.D.", None, 1),
        (a_text("for ", NUMBER), "for 471182", None, 1),
        (a_text("for ", NUMBER), "for 12", None, 0),
        (a_text("for ", NUMBER), "for 0047[removed]", None, 1),
        (a_text("on ", DATE, " ", DATE), "on [removed]12 [removed]", None, 1),
        (a_text("CHEST_", DOE, "_AX"), "CHEST_[removed]_AX", None, 0),
        (a_text("T2* ", DOE), "T2* [removed]", None, 0),
    ],
)
def test_a_cleaned_text_is_judged(
    text: Text, output: str | None, missing: str | None, left: int
) -> None:
    verdict = judge(text, output)
    assert verdict.notnull is bool(output)
    assert (verdict.missing, len(verdict.left)) == (missing, left)


def test_a_remainder_of_one_identifier_is_not_counted_for_another() -> None:
    other = Planted("4/5/2011", ("4", "5", "2011"))
    text = a_text("seen ", DATE, " and ", other, ", called ", INITIALS, " or D.J.")
    verdict = judge(text, "seen [removed] and 4/[removed], called [removed] or D.J.")
    assert verdict.left == {3}


def test_a_truncated_harmless_number_is_lost_and_not_a_leak() -> None:
    text = a_text("matrix 320x256 ", Planted("25120304", ("25120304",)))
    verdict = judge(text, "matrix 320x25[removed]")
    assert (verdict.missing, verdict.left) == ("320x256", frozenset())
    assert judge(text, "matrix 320x256 25[removed]").left == {1}


def test_a_fragment_of_an_identifier_made_by_the_cleaner_is_a_remainder() -> None:
    glued = Planted("handM", ("hand",))
    assert judge(a_text("CT ", glued), "CT hand[removed]").left == {1}


def test_the_name_of_the_patient_must_be_removed_and_that_of_another_person_may_be() -> None:
    text = split_names(a_text("XR HAND of Brown"), frozenset({"hand"}), frozenset({"brown"}))
    assert text.value == "XR HAND of Brown"
    assert [(p.text, p.role) for p in text.parts if p.role is not Role.STAY] == [
        ("HAND", Role.GO), ("Brown", Role.EITHER),
    ]  # fmt: skip
    assert judge(text, "XR [removed] of Brown").left == frozenset()
    assert judge(text, "XR [removed] of [removed]").missing is None
    assert judge(text, "XR HAND of Brown").left


PEOPLE = [
    Person("Núñez", "José", "Luis"), Person("O'Connor", "Siobhan"), Person("Li", "Na"),
    Person("Meyer-Lüdenscheidt", "Anna-Lena"), Person("de la Cruz", "Inés"),
    Person("Иванов", "Сергей", "Петрович", script="other"), Person("王", "", script="other"),
    Person("김", "민준", script="other"), Person("Suharto", ""),
    Person("Yamada", "Taro", "", "山田^太郎", "ヤマダ^タロウ"),
]  # fmt: skip


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: who.dicom)
def test_any_remainder_of_a_rendered_name_is_found(who: Person) -> None:
    for seed in range(300):
        chance = random.Random(seed)
        how = chance.choice(("", "full", "family", "glued", "caret", "stripped", "upper", "native"))
        if how == "native" and not who.ideographic:
            continue
        planted = renderings.name(who, how, chance)
        assert planted.telling, planted
        text = a_text("CT ", planted, " 3 mm")
        assert not judge(text, "CT [removed] 3 mm").left
        assert judge(text, text.value).left, planted
        assert judge(text, text.value.swapcase()).left, planted


def test_dates_have_many_renderings_and_any_remainder_is_found() -> None:
    seen = set()
    for seed in range(400):
        chance = random.Random(seed)
        for planted in (
            renderings.day(date(2012, 3, 4), "", chance),
            renderings.moment(date(2012, 3, 4), time(10, 15, 32), chance),
        ):
            seen.add(planted.text)
            assert judge(a_text("CT ", planted), f"CT {planted.text}").left
            last = tokens(planted.text)[-1] if planted.text[-1] != "M" else "10"
            assert judge(a_text("CT ", planted), f"CT [removed] {last}").left
    assert {"2012-03-04", "20120304", "04.03.2012", "3/4/12", "04-MAR-2012", "March 4, 2012",
            "4 mars 2012", "2012-03-04 10:15", "20120304_101532"} <= seen  # fmt: skip


def test_plain_text_has_no_accents() -> None:
    assert plain("Núñez Müller Çelik Łuka ß ı") == "Nunez Muller Celik Luka ss i"
