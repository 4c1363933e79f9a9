"""Texts with an identifier of their own patient.

Belongs here: renderings of the patient's names, numbers and dates, and texts around them.
Does not belong here: identifiers of other people (strangers).
"""

from __future__ import annotations

import random
import re
import unicodedata
import urllib.parse
from datetime import date

from . import dates
from .case import Case, Generator, add, kind
from .patients import Patient

USUAL, REWRITTEN = "own, usual", "own, rewritten"
AROUND = (("CT CHEST ", ""), ("", " axial T2"), ("chest, ", ", follow up"), ("skull_", ""),
          ("MRI knee (", ")"), ("Thorax ", " 3.0 mm"), ("", ""),
          ("abdomen/pelvis; ", ""))  # fmt: skip


def around(chance: random.Random, planted: str) -> Case:
    """Return a case with harmless text around an identifier."""
    before, after = chance.choice(AROUND)
    return Case(before, planted, after)


def _digits(text: str) -> str:
    return re.sub("[^0-9]", "", text)


@kind(USUAL)
def id_as_in_the_header(chance: random.Random, own: Patient) -> Case:
    return around(chance, chance.choice((own.mrn, own.accession, own.mrn.lower())))


@kind(USUAL)
def id_without_separators(chance: random.Random, own: Patient) -> Case:
    return around(chance, re.sub("[^0-9A-Za-z]", "", own.mrn))


@kind(USUAL)
def digits_of_an_id(chance: random.Random, own: Patient) -> Case:
    return around(chance, _digits(own.mrn))


@kind(REWRITTEN)
def id_without_leading_zeros(chance: random.Random, own: Patient) -> Case:
    return around(chance, _digits(own.mrn).lstrip("0"))


@kind(REWRITTEN)
def id_with_more_leading_zeros(chance: random.Random, own: Patient) -> Case:
    return around(chance, "0" * chance.randint(1, 5) + _digits(own.mrn))


def _grouped(mark: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        text = _digits(chance.choice((own.mrn, own.accession)))
        groups = []
        while text:
            size = chance.randint(1, min(4, len(text)))
            groups.append(text[:size])
            text = text[size:]
        return around(chance, mark.join(groups))

    return make


for name, mark in {
    "spaces": " ", "dots": ".", "slashes": "/", "underscores": "_", "hyphens": "-",
    "no_break_spaces": "\u00a0", "thin_spaces": "\u202f", "dashes": "\u2013", "commas": ",",
    "spaced_hyphens": " - ", "double_spaces": "  ", "hashes": "#",
}.items():  # fmt: skip
    add(f"id_grouped_by_{name}", REWRITTEN, "en", _grouped(mark))


@kind(REWRITTEN)
def id_in_full_width(chance: random.Random, own: Patient) -> Case:
    return around(chance, "".join(chr(ord(c) + 0xFEE0) for c in _digits(own.mrn)))


@kind(REWRITTEN)
def id_with_separated_letters(chance: random.Random, own: Patient) -> Case:
    return around(chance, re.sub("([A-Z]+)([0-9]{3})", r"\1_\2 ", own.accession))


@kind(REWRITTEN)
def id_joined_to_a_word(chance: random.Random, own: Patient) -> Case:
    number = _digits(own.mrn).lstrip("0")
    return Case(*chance.choice((("CHEST", number, ""), ("chest_", number, "_axial"))))


def _short_id(label: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        # without a label the identifier is the whole text
        after = chance.choice(("", " chest", ", axial")) if label else ""
        return Case(label, own.mrn, after, True)

    return make


for name, label in {
    "patient": "patient ", "pat_id": "Pat. ID: ", "id": "ID ", "subject": "subject #",
    "mrn": "MRN ", "no": "Pat.-Nr. ", "case": "case ", "alone": "",
}.items():  # fmt: skip
    add(f"short_id_{name}", REWRITTEN, "en", _short_id(label), has_short_id=True)


# Names


def _name(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@kind(USUAL)
def name_in_any_order(chance: random.Random, own: Patient) -> Case:
    f, g = own.family, own.given
    return around(chance, chance.choice((f"{f}, {g}", f"{g} {f}", f"{f}^{g}", f"{f} {g}",
                                         f"{f.upper()} {g.upper()}",
                                         f"{g} {own.middle} {f}")))  # fmt: skip


@kind(USUAL)
def family_name(chance: random.Random, own: Patient) -> Case:
    return around(chance, chance.choice((own.family, own.family.upper(), own.family.lower())))


@kind(USUAL)
def name_of_the_physician(chance: random.Random, own: Patient) -> Case:
    family, given = own.physician.split("^")
    before, planted = chance.choice((("Dr. ", family), ("per ", f"{family}, {given}"),
                                     ("ref. by ", f"{given} {family}"),
                                     ("Dr ", family.upper())))  # fmt: skip
    return Case(f"chest {before}", planted, chance.choice(("", ", 2 views")), True)


@kind(REWRITTEN)
def name_joined(chance: random.Random, own: Patient) -> Case:
    f, g = own.family, own.given
    return around(chance, chance.choice((f"{f}{g}", f"{g}{f}", f"{g[0]}{f}".lower(), f"{f}{g[0]}",
                                         f"{g}.{f}".lower(), f"{f}_{g}")))  # fmt: skip


@kind(REWRITTEN)
def name_spelled_with_spaces(chance: random.Random, own: Patient) -> Case:
    name = own.family if len(own.family) > 2 else own.given + own.family
    return around(chance, chance.choice((" ", ".", "-", "_")).join(name.upper()))


@kind(REWRITTEN)
def name_split_once(chance: random.Random, own: Patient) -> Case:
    name = own.family if len(own.family) > 3 else own.given + own.family
    place = 1 if chance.random() < 0.6 else len(name) - 1
    return around(chance, name[:place] + chance.choice((" ", "-", ".", "_")) + name[place:])


@kind(REWRITTEN)
def name_in_full_width(chance: random.Random, own: Patient) -> Case:
    return around(chance, "".join(chr(ord(c) + 0xFEE0) for c in own.family))


@kind(REWRITTEN)
def name_with_other_accents(chance: random.Random, own: Patient) -> Case:
    accents = str.maketrans({"o": "ó", "a": "á", "u": "ú", "e": "é"})
    return around(chance, own.family.translate(accents))


@kind(REWRITTEN)
def name_with_decomposed_accents(chance: random.Random, own: Patient) -> Case:
    accents = str.maketrans({"o": "o\u0308", "a": "a\u0301", "u": "u\u0308", "e": "e\u0301"})
    return around(chance, own.family.translate(accents))


@kind(REWRITTEN)
def name_with_invisible_characters(chance: random.Random, own: Patient) -> Case:
    mark = chance.choice(("\u200b", "\u00ad", "\u2060", "\ufeff", "\u200d"))
    return around(chance, own.family[:1] + mark + own.family[1:])


@kind(REWRITTEN)
def name_joined_to_a_word(chance: random.Random, own: Patient) -> Case:
    word = chance.choice(("Chest", "Axial", "CT"))
    before, after = chance.choice(((word, ""), ("", word)))
    return Case(before, own.family, after, True)


@kind(REWRITTEN)
def name_in_html(chance: random.Random, own: Patient) -> Case:
    return Case("<b>", own.family, "</b> chest")


@kind(REWRITTEN)
def name_with_possessive(chance: random.Random, own: Patient) -> Case:
    return Case("chest of ", own.family, chance.choice(("'s", "\u2019s")), True)


# Dates


def _own_date(rendering: dates.Rendering) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        return around(chance, rendering(chance.choice(own.dates), chance))

    return make


for rendering, tier in (
    (dates.full_digits, USUAL), (dates.unpadded_digits, USUAL), (dates.named_month, USUAL),
    (dates.short_year, REWRITTEN), (dates.split_digits, REWRITTEN), (dates.roman_month, REWRITTEN),
    (dates.month_and_year, REWRITTEN), (dates.day_and_month, REWRITTEN), (dates.era, REWRITTEN),
    (dates.glued_day_and_month, REWRITTEN), (dates.named_without_year, REWRITTEN),
    (dates.ideographic, REWRITTEN), (dates.spaced_iso, REWRITTEN), (dates.full_width, REWRITTEN),
):  # fmt: skip
    add(f"own_date_{rendering.__name__}", tier, "en", _own_date(rendering))


def _own_named(language: str) -> Generator:
    def make(chance: random.Random, own: Patient) -> Case:
        when: date = chance.choice(own.dates)
        how = chance.choice((dates.named_month, dates.named_without_year))
        return around(chance, how(when, chance, language))

    return make


for language in dates.MONTHS:
    if language != "en":
        add(f"own_date_month_in_{language}", REWRITTEN, language, _own_named(language))


@kind(REWRITTEN)
def own_year(chance: random.Random, own: Patient) -> Case:
    return around(chance, str(chance.choice(own.dates).year))


@kind(REWRITTEN)
def own_date_and_time_joined(chance: random.Random, own: Patient) -> Case:
    when = chance.choice(own.dates)
    return around(chance, f"{when:%Y%m%d}{chance.choice(('', '_', '-', 'T'))}134502")


# Characters that programs, people and character recognition write for others


@kind(REWRITTEN)
def name_with_numeric_escapes(chance: random.Random, own: Patient) -> Case:
    escape = chance.choice((lambda c: f"&#{ord(c)};", lambda c: f"&#x{ord(c):X};"))
    place = chance.randrange(len(own.family))
    name = own.family
    return around(chance, name[:place] + escape(name[place]) + name[place + 1 :])


@kind(REWRITTEN)
def name_in_percent_escapes(chance: random.Random, own: Patient) -> Case:
    name = own.family.translate(str.maketrans({"o": "ö", "a": "á", "u": "ü", "e": "é"}))
    return around(chance, urllib.parse.quote(name))


@kind(REWRITTEN)
def id_dictated_in_english(chance: random.Random, own: Patient) -> Case:
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    return around(chance, " ".join(words[int(digit)] for digit in _digits(own.mrn)))


@kind(REWRITTEN, "de")
def id_dictated_in_german(chance: random.Random, own: Patient) -> Case:
    words = ["null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"]
    return around(chance, " ".join(words[int(digit)] for digit in _digits(own.mrn)))


@kind(REWRITTEN)
def id_with_letters_for_digits(chance: random.Random, own: Patient) -> Case:
    number = _digits(own.mrn).lstrip("0")
    written = number.translate(str.maketrans({"0": "O", "1": "l"}))
    return around(chance, written)


@kind(REWRITTEN)
def last_four_digits_of_an_id(chance: random.Random, own: Patient) -> Case:
    before = chance.choice(("same as ", "MRN ending ", "see ", "chest "))
    number = own.mrn if len(_digits(own.mrn).lstrip("0")) > 5 else own.accession
    return Case(before, _digits(number)[-4:], chance.choice(("", ", axial")), True)
