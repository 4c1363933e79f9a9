"""Renderings of identifiers in free text.

Belongs here: renderings of names, dates, numbers, places and contacts.
Does not belong here: the identifiers of a file (archive).
"""

from __future__ import annotations

import random
import re
from datetime import date, time

from .people import PARTICLES, Person
from .texts import Planted, plain, tokens, word_list

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
          "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
          "dicembre",
}  # fmt: skip
# general words in places, mail addresses and addresses, which identify nobody
GENERAL = word_list("general")


def name(who: Person, how: str, chance: random.Random) -> Planted:
    """Return a rendering of a person's name."""
    if who.script == "other":
        return _native_name(who, how, chance)
    if how == "ideographic":
        how = "native" if who.ideographic else "full"
    if not how and who.ideographic and chance.random() < 0.4:
        how = "native"
    if how == "native":
        family, given = (who.ideographic or who.phonetic).split("^")
        joined = chance.choice((f"{family}{given}", f"{family} {given}", f"{family}{given}様"))
        return Planted(joined, (family, given))
    family, given = _cased(who.family, chance), _cased(who.given, chance)
    if not given:  # a person with only one name
        how, given = "family", family
    first, middle = given[0], who.middle[:1]
    if how in ("full", "upper", "lower", "stripped", ""):
        forms = [f"{family} {given}", f"{given} {family}", f"{family}, {given}",
                 f"{family},{given}", f"{first}. {family}", f"{family} {first}",
                 f"{family}, {first}.", f"{family}_{given}",
                 f"{family}^{given}".upper()]  # fmt: skip
        if middle:
            forms += [f"{given} {middle}. {family}", f"{family} {given} {middle}",
                      f"{first}.{middle}. {family}"]  # fmt: skip
        if not how:
            forms += [*_glued(family, given), *_pair(family, given, chance)]
        text = chance.choice(forms)
    elif how == "family":
        text = family
    elif how == "given":
        text = given
    elif how == "glued":
        text = chance.choice(_glued(family, given))
    elif how == "initials":
        return initials(who, chance)
    elif how == "caret":
        text = who.dicom.split("=")[0].rstrip("^")
        text = text.upper() if chance.random() < 0.5 else text
    elif how == "hyphen":
        text = chance.choice((f"{family}-{given}", f"{given}-{family}"))
    elif how == "possessive":
        text = chance.choice((f"{family}'s", f"{given}'s"))
    else:
        raise ValueError(how)
    if how in ("upper", "lower"):
        text = text.upper() if how == "upper" else text.lower()
    elif how == "stripped" or (how != "caret" and chance.random() < 0.1):
        text = plain(_digraphs(text) if chance.random() < 0.4 else text)
    return Planted(text, _of(who, text))


def _native_name(who: Person, how: str, chance: random.Random) -> Planted:
    family, given = who.family, who.given
    cyrillic = family[0] <= "\u04ff"
    if how == "initials" and not cyrillic:
        how = "full"
    if how == "initials":
        text = f"{given[0]}.{family[0]}."
        return Planted(text, tuple(tokens(text)), together=True)
    if how == "family" or not given:
        text = family
    elif how in ("given", "possessive"):
        text = given
    elif cyrillic:
        text = chance.choice((f"{family} {given}", f"{given} {family}", f"{family} {given[0]}.",
                              f"{family} {given}".upper(), f"{family}^{given}"))  # fmt: skip
    else:
        text = chance.choice((f"{family}{given}", f"{family} {given}", f"{family}^{given}"))
    return Planted(text, _of(who, text))


def _of(who: Person, text: str) -> tuple[str, ...]:
    """Return the names of the person in a rendering, joined or not, with or without accents."""
    found = set()
    inside = tokens(text)
    for token in who.tokens:
        forms = {token, plain(token), plain(_digraphs(token))}
        found |= {
            form for form in forms
            if any(form == i or (form in i and (len(form) > 2 or not form.isascii()))
                   for i in inside)
        }  # fmt: skip
    whole = {t for t in inside if len(t) > 3 or (not t.isascii() and len(t) > 1)}
    several = {t for t in inside if len(t) > 1 or not t.isascii()}
    return tuple(sorted(found or whole or several or set(inside)))


def _cased(text: str, chance: random.Random) -> str:
    number = chance.random()
    return text.upper() if number < 0.3 else text.lower() if number < 0.4 else text


def _digraphs(text: str) -> str:
    for letter, pair in zip("äöüÄÖÜ", ("ae", "oe", "ue", "Ae", "Oe", "Ue"), strict=True):
        text = text.replace(letter, pair)
    return text


def _glued(family: str, given: str) -> list[str]:
    f, g = family.replace(" ", ""), given.replace(" ", "")
    return [f"{f}{g[0].upper()}", f"{g[0].upper()}{f}", f"{f}{g}", f"{g}{f}",
            f"{g}.{f}".lower(), f"{f}_{g[0]}", f"{g[0]}{f}".lower()]  # fmt: skip


def _pair(family: str, given: str, chance: random.Random) -> list[str]:
    return [f"Mr. {family}", f"Mrs {family}", f"Ms. {given} {family}"][: chance.randint(1, 3)]


def initials(who: Person, chance: random.Random) -> Planted:
    """Return initials; a single letter of them identifies nobody."""
    first, last = plain(who.given)[:1].upper(), plain(who.family)[:1].upper()
    middle = plain(who.middle)[:1].upper()
    orders = [first + last, last + first] + ([first + middle + last] if middle else [])
    letters = chance.choice(orders)
    text = chance.choice((letters, letters, ".".join(letters) + "."))
    return Planted(text, tuple(tokens(text)), together=True)


def day(when: date, how: str, chance: random.Random) -> Planted:
    """Return a rendering of a date."""
    d, m, y = when.day, when.month, when.year
    if how in ("fr", "de", "es", "it"):
        month = MONTHS[how].split()[m - 1]
        dots = f"{d:02d}.{m:02d}.{y}" if how == "de" else f"{d:02d}/{m:02d}/{y}"
        long = f"{d}. {month} {y}" if how == "de" else f"{d} {month} {y}"
        return all_identifying(chance.choice((dots, long)))
    month = MONTHS["en"].split()[m - 1]
    mon = month[:3]
    long_forms = [f"{month} {d}, {y}", f"{mon} {d} {y}", f"{d} {month} {y}", f"{mon}. {d}, {y}"]
    if how == "digits":
        text = f"{when:%Y%m%d}"
    elif how == "long":
        text = chance.choice(long_forms)
    elif how == "monthyear":
        text = chance.choice((f"{month} {y}", f"{mon} {y}", f"{m}/{y}", f"{m:02d}/{y}"))
    elif chance.random() < 0.04:
        text = f"{d} {MONTHS['fr'].split()[m - 1]} {y}"
    else:
        text = chance.choice([
            f"{when:%Y-%m-%d}", f"{when:%Y-%m-%d}", f"{when:%Y%m%d}", f"{when:%Y%m%d}",
            f"{when:%d.%m.%Y}", f"{d}.{m}.{y % 100:02d}", f"{m}/{d}/{y % 100:02d}",
            f"{m}/{d}/{y}", f"{when:%m/%d/%Y}", f"{when:%d/%m/%Y}", f"{d:02d}-{mon.upper()}-{y}",
            f"{d:02d}{mon.upper()}{y}", f"{d}-{mon}-{y % 100:02d}", f"{when:%Y/%m/%d}",
            f"{when:%Y.%m.%d}", f"{when:%m-%d-%Y}", *long_forms,
        ])  # fmt: skip
    return all_identifying(text)


def moment(when: date, clock: time, chance: random.Random) -> Planted:
    """Return a rendering of a date with a time."""
    text = chance.choice((
        f"{when:%Y-%m-%d} {clock:%H:%M}", f"{when:%Y-%m-%d} {clock:%H:%M:%S}",
        f"{when:%Y%m%d}_{clock:%H%M%S}", f"{when:%d.%m.%Y} {clock:%H:%M}",
        f"{when:%m/%d/%Y} {clock:%I:%M} {clock:%p}", f"{when:%Y-%m-%d}T{clock:%H:%M:%S}",
        f"{when.month}/{when.day}/{when:%y} {clock:%H:%M}", f"{when:%d-%b-%Y} {clock:%H:%M}",
        f"{when:%Y%m%d}{clock:%H%M%S}",
    ))  # fmt: skip
    return Planted(text, tuple(t for t in tokens(text) if t not in ("am", "pm", "t")))


def number(value: str, how: str, chance: random.Random) -> Planted:
    """Return a rendering of an identifier such as a Patient ID."""
    forms = [value, value, value, value.lower(), value.upper()]
    if how != "asis":
        forms += [value.replace("-", ""), value.replace("-", " "), value.lstrip("0")]
    text = chance.choice(forms)
    digits = tuple(t for t in tokens(text) if t.isdigit() and len(t) > 3)
    return Planted(text, digits) if digits else Planted(text, tuple(tokens(text)), together=True)


def phone(value: str, chance: random.Random) -> Planted:
    """Return a rendering of a telephone number."""
    digits = re.sub("[^0-9]", "", value)
    return all_identifying(chance.choice((value, value, digits, value.replace(" ", "-"))))


def place(text: str) -> Planted:
    """Return a place: its specific words identify, or all words together if all are general."""
    found = tuple(tokens(text))
    special = tuple(
        t for t in found
        if t not in GENERAL and (not t.isdigit() or len(t) > 4) and (len(t) > 2 or not t.isascii())
    )  # fmt: skip
    return Planted(text, special) if special else Planted(text, found, together=True)


def word(text: str, chance: random.Random) -> Planted:
    """Return a single identifying word."""
    return all_identifying(_cased(text, chance))


def contact(text: str) -> Planted:
    """Return a mail or web address: all words except general ones identify."""
    telling = tuple(
        t for t in tokens(text)
        if t not in GENERAL and (len(t) > 3 or (not t.isascii() and len(t) > 1))
    )  # fmt: skip
    return Planted(text, telling)


def all_identifying(text: str) -> Planted:
    """Return a text in which all tokens identify."""
    return Planted(text, tuple(t for t in tokens(text) if t not in PARTICLES))
