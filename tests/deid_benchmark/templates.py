"""Templates of header texts, and the texts that fill their harmless slots.

Belongs here: reading `templates/*.csv`, the grammar, the selection of held-out templates.
Does not belong here: identifiers (renderings) and files (archive).

The grammar: plain text is harmless and must remain; ``<slot>`` is a harmless text of
`harmless.csv`; ``[text]`` may remain or be removed (a label such as MRN); ``{kind}`` or
``{kind:how}`` is an identifier of the file; ``{!kind}`` is one that occurs nowhere else in it.
"""

from __future__ import annotations

import csv
import hashlib
import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .texts import FOLDER, Part, Planted, Role, Text, tokens

_PIECE = re.compile(r"<([a-z]+)>|\[([^]]*)\]|\{(!?)([a-z]+)(?::([a-z]+))?\}|([^<\[{]+)")


class Impossible(Exception):
    """The subject has no such identifier, or none that differs from harmless words."""


class Identifiers(Protocol):
    """Interface that provides identifiers to a template."""

    def plant(self, kind: str, how: str, own: bool) -> Planted:
        """Return a rendering of an identifier."""
        ...


@dataclass(frozen=True, slots=True)
class Template:
    """A line of `templates.csv`."""

    id: str
    use: str
    modality: str
    group: str
    text: str

    @property
    def held_out(self) -> bool:
        """Return whether the template is held out of tuning: a third of them, determined by id."""
        return int(hashlib.sha256(self.id.encode()).hexdigest(), 16) % 3 == 0

    @property
    def kinds(self) -> frozenset[str]:
        """Return the kinds of identifiers of the file that the template uses."""
        found = (match.groups() for match in _PIECE.finditer(self.text))
        return frozenset(kind for _, _, foreign, kind, _, _ in found if kind and not foreign)


@dataclass(frozen=True)
class Library:
    """All templates and harmless texts."""

    templates: tuple[Template, ...]
    slots: dict[str, tuple[str, ...]]

    def words(self) -> frozenset[str]:
        """Return the tokens of all harmless texts; initials equal to one are not planted."""
        texts = [text for slot in self.slots.values() for text in slot]
        for template in self.templates:
            texts += [found[1] or found[5] or "" for found in _PIECE.findall(template.text)]
        return frozenset(token for text in texts for token in tokens(text))

    def fill(self, template: Template, subject: Identifiers, chance: random.Random) -> Text:
        """Fill a template and return the text.

        Raises
        ------
        Impossible
            If the subject lacks an identifier.
        """
        parts: list[Part] = []
        position = 0
        for match in _PIECE.finditer(template.text):
            if match.start() != position:
                break
            position = match.end()
            slot, either, foreign, kind, how, harmless = match.groups()
            if slot:
                parts.append(Part(chance.choice(self.slots[slot]), Role.STAY))
            elif kind:
                own = not foreign
                planted = subject.plant(kind, how or "", own)
                named = f"{kind}:{how}" if how else kind
                parts.append(Part(planted.text, Role.GO, named, own, planted))
            elif harmless:
                parts.append(Part(harmless, Role.STAY))
            else:
                parts.append(Part(either, Role.EITHER))
        if position != len(template.text):
            raise ValueError(f"template {template.id} cannot be read at {position}")
        return Text(tuple(parts), template.id, template.group, template.held_out)


def load(folder: Path = FOLDER) -> Library:
    """Read the library."""
    with (folder / "templates.csv").open(encoding="utf-8", newline="") as lines:
        templates = tuple(
            Template(row["id"], row["use"], row["modality"], row["group"], row["template"])
            for row in csv.DictReader(lines)
        )
    slots: defaultdict[str, list[str]] = defaultdict(list)
    with (folder / "harmless.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            slots[row["slot"]].append(row["words"])
    return Library(templates, {name: tuple(texts) for name, texts in slots.items()})
