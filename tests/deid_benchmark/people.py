"""Persons with names from the lists of Faker, which are not used by the cleaner or its word list.

Belongs here: choosing names, and their DICOM form.
Does not belong here: renderings in free text.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

from .texts import FOLDER, tokens, word_list

# locale and weight; most shared archives have mainly Latin names
LOCALES = {
    "en_US": 30, "de_DE": 12, "es_ES": 10, "fr_FR": 8, "it_IT": 7, "pl_PL": 7, "tr_TR": 5,
    "vi_VN": 4, "ja_JP": 5, "zh_CN": 5, "ko_KR": 4, "ru_RU": 5,
}  # fmt: skip
LATIN = ("en_US", "de_DE", "es_ES", "fr_FR", "it_IT", "pl_PL", "tr_TR")
# parts of names and titles that do not identify a person
PARTICLES = word_list("particles")


@dataclass(frozen=True, slots=True)
class Person:
    """A person.

    Attributes
    ----------
    family, given, middle
        The name in Latin script, or in the person's own script.
    ideographic, phonetic
        The other component groups (PS3.5 6.2.1).
    script
        ``latin`` or ``other``.
    """

    family: str
    given: str
    middle: str = ""
    ideographic: str = ""
    phonetic: str = ""
    script: str = "latin"
    suffix: str = field(default="")

    @property
    def dicom(self) -> str:
        """Return the value with VR PN."""
        alphabetic = "^".join([self.family, self.given, self.middle, "", self.suffix]).rstrip("^")
        return "=".join([alphabetic, self.ideographic, self.phonetic]).rstrip("=")

    @property
    def tokens(self) -> frozenset[str]:
        """Return identifying tokens: two or more Latin letters, or one of another script."""
        return frozenset(
            token for token in tokens(" ".join(
                (self.family, self.given, self.middle, self.ideographic, self.phonetic)))
            if token not in PARTICLES and (len(token) > 1 or not token.isascii())
        )  # fmt: skip


@cache
def _lists(locale: str) -> dict[str, Any]:
    provider = import_module(f"faker.providers.person.{locale}").Provider
    wanted = ("last_names", "unisex_last_names", "last_names_male", "first_names",
              "first_names_male", "first_names_female", "first_names_unisex", "middle_names",
              "last_name_pairs", "first_name_pairs")  # fmt: skip
    lists = {name: sorted(getattr(provider, name, ()) or ()) for name in wanted}
    # some locales list names only by sex, or under other keys
    given = [*lists["first_names_male"], *lists["first_names_female"], *lists["first_names_unisex"]]
    lists["given"] = sorted(set(given)) or lists["first_names"]
    lists["family"] = lists["last_names_male"] or lists["unisex_last_names"] or lists["last_names"]
    return lists


def person(chance: random.Random, locales: Sequence[str] | None = None) -> Person:
    """Return a random person."""
    if locales:
        locale = chance.choice(locales)
    else:
        locale = chance.choices(list(LOCALES), list(LOCALES.values()))[0]
    lists = _lists(locale)
    if locale == "ja_JP":
        family, given = (chance.choice(lists[f"{n}_name_pairs"]) for n in ("last", "first"))
        return Person(
            family[2], given[2], "", f"{family[0]}^{given[0]}", f"{family[1]}^{given[1]}", "latin"
        )
    family, given = chance.choice(lists["family"]), chance.choice(lists["given"])
    if locale in ("zh_CN", "ko_KR"):
        return Person(family, given, script="other")
    if locale == "ru_RU":
        middle = chance.choice(lists["middle_names"]) if chance.random() < 0.5 else ""
        return Person(family, given, middle, script="other")
    middle = chance.choice(lists["given"]) if chance.random() < 0.3 else ""
    if chance.random() < 0.06:
        family = f"{family}-{chance.choice(lists['family'])}"
    if chance.random() < 0.04:
        given = f"{given}-{chance.choice(lists['given'])}"
    return Person(family, given, middle, suffix="Jr" if chance.random() < 0.01 else "")


@cache
def difficult() -> tuple[Person, ...]:
    """Return persons with names that are words, short, compound, or a single character."""
    with (FOLDER / "surnames.csv").open(encoding="utf-8", newline="") as lines:
        named = [Person(row["family"], row["given"]) for row in csv.DictReader(lines)]
    short = [
        Person("王", "", script="other"), Person("李", "伟", script="other"),
        Person("김", "솔", script="other"), Person("Suharto", ""),
        Person("Hong", "Gildong", "", "洪^吉洞", "홍^길동"),
        Person("Wang", "Xiaodong", "", "王^小东", ""), Person("Adams", "John", "Quincy Robert",
        suffix="B.A. M.Div."),
    ]  # fmt: skip
    return (*named, *short)
