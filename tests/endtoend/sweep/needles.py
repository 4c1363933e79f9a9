"""Made-up identifiers (needles) and every form in which they can appear in bytes.

Belongs here: the definition of a needle, its spellings and its encodings.
Does not belong here: planting needles (planting, files) and searching for them (places, search).
"""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import quote

SHORTEST = 6  # bytes: shorter strings occur by chance
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe"})
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Needle:
    """One made-up identifier."""

    kind: str  # word, id, date, time, uid
    text: str
    codec: str = "utf-8"  # of the file it was planted in


@dataclass
class Needles:
    """All planted needles with the places where they were planted."""

    planted: dict[Needle, set[str]] = field(default_factory=dict)

    def add(self, kind: str, text: str, where: str, codec: str = "utf-8") -> str:
        """Record a needle and return its text."""
        self.planted.setdefault(Needle(kind, text, codec), set()).add(where)
        return text

    def dates(self) -> set[date]:
        """Return the planted days."""
        return {date.fromisoformat(needle.text) for needle in self.planted if needle.kind == "date"}

    def forms(self) -> dict[bytes, tuple[Needle, str]]:
        """Return every byte sequence to search for, in lower case, with its needle and encoding."""
        found: dict[bytes, tuple[Needle, str]] = {}
        for needle in self.planted:
            assert len(needle.text.encode()) >= SHORTEST, f"{needle} is too short to be looked for"
            for form, name in forms_of(needle):
                if len(form) >= SHORTEST:
                    found.setdefault(form.lower(), (needle, name))
        return found


def forms_of(needle: Needle) -> Iterator[tuple[bytes, str]]:
    """Yield the encoded spellings of a needle, each with the name of its encoding."""
    for text in renderings(needle):
        for spelling in spellings(text):
            for codec in {"utf-8", "utf-16-le", "utf-16-be", needle.codec}:
                try:
                    yield spelling.encode(codec), codec
                except UnicodeEncodeError:  # upper case beyond the file's character set
                    continue
            if not spelling.isascii():
                yield json.dumps(spelling)[1:-1].encode(), "json"
                yield quote(spelling).encode(), "percent"
                yield repr(spelling.encode())[2:-1].encode(), "python bytes"
        if needle.kind in ("id", "word"):
            yield text.encode().hex().encode(), "hex"
            yield from ((form, "base64") for form in _base64(text.encode()))


def renderings(needle: Needle) -> list[str]:
    """Return the usual renderings of a needle."""
    if needle.kind == "date":
        y, m, d = needle.text.split("-")
        month = MONTHS[int(m) - 1]
        return [
            f"{y}{m}{d}", f"{y}-{m}-{d}", f"{d}.{m}.{y}", f"{m}/{d}/{y}",
            f"{d}/{m}/{y}", f"{y}/{m}/{d}", f"{y}.{m}.{d}", f"{d}-{m}-{y}", f"{y}_{m}_{d}",
            f"{d}{m}{y}", f"{m}{d}{y}",
            f"{d} {month} {y}", f"{d}-{month}-{y}", f"{month} {d}, {y}", f"{d}{month}{y}",
        ]  # fmt: skip
    if needle.kind == "time":
        t = needle.text
        return [t, f"{t[:2]}:{t[2:4]}:{t[4:]}"]
    return [needle.text]


def spellings(text: str) -> set[str]:
    """Return upper and lower case, with accents composed, decomposed, removed or transcribed."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    bases = {
        text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text), plain,
        plain.replace("ł", "l").replace("ı", "i").replace("ß", "ss"),
        text.lower().translate(_DIGRAPHS),
    }  # fmt: skip
    return {form for base in bases for form in (base, base.lower(), base.upper(), base.title())}


def _base64(content: bytes) -> Iterator[bytes]:
    """Yield base64 inside longer data: at three offsets, without the characters at the ends."""
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + content).rstrip(b"=")
        start = (0, 2, 3)[offset]
        end = len(encoded) - (1 if (len(content) + offset) % 3 else 0)
        yield encoded[start:end]


class Maker:
    """Creates needles that appear nowhere else: words of no language, days of two years.

    Study dates are less than a year apart, and shifting moves them back by at least a year, so no
    shifted date equals another planted date.
    """

    def __init__(self, needles: Needles, first_word: int = 0) -> None:
        self.needles = needles
        self._words = first_word
        self._numbers = 0
        self._days = {1937: 0, 1987: 0}
        self._uids = 0
        self._times = 0

    def word(self, where: str) -> str:
        """Return a new word such as ``Zqaxvojqi``."""
        syllables = [c + v for c in ("zq", "xv", "qj", "vx", "jq", "wx", "qk") for v in "aeiou"]
        n, word = self._words, ""
        self._words += 1
        for _ in range(3):
            n, rest = divmod(n, len(syllables))
            word += syllables[(rest + 11 * len(word)) % len(syllables)]
        return self.needles.add("word", word.capitalize(), where)

    def number(self, where: str) -> str:
        """Return twelve digits; eight would occur by chance in hashes and fractions of seconds."""
        return self.needles.add("id", self.spare_number(), where)

    def spare_number(self) -> str:
        """Return such a number without recording it, to be planted in another form."""
        self._numbers += 1
        return str(774100000000 + 79190019 * self._numbers)

    def identifier(self, where: str, shape: str = "{}") -> str:
        """Return an identifier that contains a number; both are needles."""
        text = shape.format(self.number(where))
        return self.needles.add("id", text, where)

    def day(self, where: str, year: int = 1987) -> str:
        """Return a day as DICOM DA; the days repeat after a year."""
        first, last = date(year, 1, 2), date(year, 12, 20)
        day = first + timedelta(days=self._days[year] % ((last - first).days + 1))
        self._days[year] += 1
        self.needles.add("date", day.isoformat(), where)
        return f"{day:%Y%m%d}"

    def moment(self, where: str) -> str:
        """Return a unique time of day."""
        self._times += 1
        return self.needles.add("time", f"030{self._times % 10}07.{918273 - self._times}", where)

    def uid(self, where: str) -> str:
        """Return a new UID under a root of the tests."""
        self._uids += 1
        return self.needles.add("uid", f"1.2.826.0.1.3680043.7741.{self._uids}.9", where)
