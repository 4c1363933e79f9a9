"""Generate the seed allowed_words.csv from packages and from the lists in tools/words.

Belongs here: the words that text cleaning keeps, the source of each, and how much text they cover.
Does not belong here: text cleaning (dbt_snowflake), words that a site adds
(allowed_words_site.csv).

    python -m tools.allowed_words write        write the seed; reproducible from the same inputs
    python -m tools.allowed_words candidates   list words of public descriptions to be reviewed
    python -m tools.allowed_words coverage     print counts, also for held-out descriptions
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LISTS = Path(__file__).parent / "words"
SEED = Path(__file__).parents[1] / "dbt_snowflake" / "seeds" / "allowed_words.csv"

IDC_VERSION = "25.0.5"
DESCRIPTIONS = ("StudyDescription", "SeriesDescription")
PRODUCTS = ("BodyPartExamined", "Modality", "Manufacturer", "ManufacturerModelName")
# collection with synthetic patient data in its descriptions, for tests of de-identification
MADE_UP = "pseudo_phi_dicom_data"

# minimum numbers for a word of public descriptions; words in idc_reviewed.txt need neither
COLLECTIONS, PATIENTS = 2, 5

# context groups (PS3.16) of animal breeds and of growth tables: they contain places and surnames
BREEDS = {7480, 7481}
GROWTH_TABLES = {12012, 12013, 12014, 12015, 12016}

LETTERS = re.compile(r"[A-Za-z\u0080-\U0010ffff]+")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# characters besides letters that a word may contain: no dash, quote or invisible character
SIGNS = frozenset("°º×±µμ²³½¼¾∞≥≤")  # noqa: RUF001
DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
# letters that NFD does not decompose
UNSPLIT = str.maketrans(
    {"ß": "ss", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "đ": "d", "\u0131": "i"}
)
# letters that the capitals of a text do not distinguish; \u0131 is the dotless i
# also the Cyrillic letters io and ie
CAPITALS = str.maketrans({"ß": "ss", "\u0131": "i", "\u0451": "\u0435"})
SIGMA = {ord("\N{GREEK SMALL LETTER FINAL SIGMA}"): "\N{GREEK SMALL LETTER SIGMA}"}
GREEK = frozenset(map(chr, range(0x370, 0x400)))
# minimum length of the beginning of a word that was cut off
CUT_OFF = 5


def letter_tokens(text: str) -> list[str]:
    """Return the runs of letters in a text, unchanged."""
    return LETTERS.findall(text)


def camel_parts(token: str) -> list[str]:
    """Split a token at changes between lower and upper case (AbdRoutine, MRSpine)."""
    return CAMEL.split(token)


def words_of(texts: Iterable[str]) -> set[str]:
    """Return the words in lower case: every token, and its camelCase parts."""
    found: set[str] = set()
    for text in texts:
        for token in letter_tokens(text):
            found.update(part.lower() for part in (token, *camel_parts(token)))
    return {word for word in found if is_word(word)}


def is_word(word: str) -> bool:
    """Return whether a text has only lower-case letters and characters of units."""
    return bool(word) and word == word.lower() and all(c.isalpha() or c in SIGNS for c in word)


def listed(name: str) -> set[str]:
    """Return the words of a list in tools/words.

    ``femur/0,s,y`` stands for a stem with each of these endings, 0 for none. A line such as
    ``=ADJ y a e`` names endings: ``kostn/ADJ,o``.
    """
    lines = (LISTS / name).read_text(encoding="utf-8").splitlines()
    fields = [line[1:].split() for line in lines if line.startswith("=")]
    named = {label: endings for label, *endings in fields}
    return {
        word
        for line in lines
        if not line.startswith(("#", "="))
        for entry in line.split()
        for word in _inflected(entry, named)
    }


def _inflected(entry: str, named: dict[str, list[str]]) -> Iterator[str]:
    stem, _, given = entry.partition("/")
    for part in given.split(","):
        for ending in named.get(part, [part]):
            yield stem + ending.removeprefix("0")


def without_marks(word: str) -> str:
    """Return a word without the marks on its letters."""
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def unaccented(words: Iterable[str]) -> set[str]:
    """Return the spellings without accents: torax for tórax, knoechel and knochel for knöchel."""
    found = {
        without_marks(spelling.translate(UNSPLIT))
        for word in words
        for spelling in (word, word.translate(DIGRAPHS))
    }
    # Latin script only: in other scripts a mark makes a different letter (й and и)
    return {word for word in found if word.isascii()}


def from_capitals(words: Iterable[str]) -> set[str]:
    """Return the words as they are after capitals were converted to lower case.

    Capitals have no sharp s, no dotless i, no accents in Greek, no final sigma, often no ё.
    """
    found = set()
    for word in words:
        found.add(word.translate(CAPITALS))
        if word[0] in GREEK:
            plain = without_marks(word)
            found |= {plain, plain.translate(SIGMA), word.translate(SIGMA)}
    return found


def languages() -> set[str]:
    """Return the manual lists: as written, in capitals, without accents, and some cut off."""
    words = {word for path in LISTS.glob("language_*.txt") for word in listed(path.name)}
    for word in listed("cut_off.txt"):
        words.update(word[:length] for length in range(CUT_OFF, len(word) + 1))
    return words | unaccented(words) | from_capitals(words)


def from_dicom() -> set[str]:
    """Return the words of names and code meanings in the standard, as pydicom provides them."""
    from pydicom._dicom_dict import DicomDictionary
    from pydicom._uid_dict import UID_dictionary
    from pydicom.sr._cid_dict import name_for_cid
    from pydicom.sr._concepts_dict import concepts

    texts = [entry[2] for entry in DicomDictionary.values()]
    texts += [entry[0] for entry in UID_dictionary.values() if entry[1] != "LDAP OID"]
    texts += [" ".join(camel_parts(name)) for name in name_for_cid.values()]
    schemes: dict[str, dict[str, Any]] = dict(concepts)
    for keywords in schemes.values():
        for codes in keywords.values():
            for meaning, groups in codes.values():
                is_animal = meaning.endswith("(organism)") or set(groups) & BREEDS
                if not is_animal and not set(groups) & GROWTH_TABLES:
                    texts.append(meaning)
    return words_of(texts)


def held_out(text: str) -> bool:
    """Return whether a public description is reserved for scoring: 6 of 16, by its hash."""
    return hashlib.sha256(text.encode()).hexdigest()[0] in "abcdef"


def idc_rows(columns: Iterable[str]) -> Iterator[tuple[str, set[str], set[str]]]:
    """Return distinct texts of public headers, with their collections and patients."""
    import duckdb

    spec = find_spec("idc_index_data")
    if spec is None or spec.origin is None or version("idc-index-data") != IDC_VERSION:
        raise SystemExit(f"needs idc-index-data=={IDC_VERSION}")
    index = str(Path(spec.origin).parent / "idc_index.parquet")
    with duckdb.connect() as connection:
        for column in columns:
            yield from (
                (text, set(collections), set(patients))
                for text, collections, patients in connection.execute(
                    f"select {column}, list(distinct collection_id),"
                    " list(distinct collection_id || '/' || PatientID)"
                    f" from read_parquet(?) where {column} is not null and collection_id <> ?"
                    " group by 1",
                    [index, MADE_UP],
                ).fetchall()
            )


def seen_in_idc(
    columns: Iterable[str], known: dict[str, str] | None = None
) -> dict[str, tuple[set[str], set[str]]]:
    """Return the words of texts that are not held out, with their collections and patients.

    Words that cleaning keeps with the list ``known`` are omitted.
    """
    seen: dict[str, tuple[set[str], set[str]]] = {}
    for text, collections, patients in idc_rows(columns):
        if held_out(text):
            continue
        for token in letter_tokens(text):
            word = token.lower()
            if is_word(word) and not (known and survives(token, known)):
                of_word = seen.setdefault(word, (set(), set()))
                of_word[0].update(collections)
                of_word[1].update(patients)
    return seen


def from_idc() -> set[str]:
    """Return frequent words of public descriptions, and rare ones that were reviewed."""
    frequent = {
        word
        for word, (collections, patients) in seen_in_idc(DESCRIPTIONS + PRODUCTS).items()
        if len(collections) >= COLLECTIONS and len(patients) >= PATIENTS
    }
    return frequent | listed("idc_reviewed.txt")


def allowed() -> dict[str, str]:
    """Return the allowed words with their source; the first source that contains a word."""
    sources = {
        "unit": set("abcdefghijklmnopqrstuvwxyz"),
        "dicom": from_dicom(),
        "idc": from_idc(),
        "unit ": listed("unit.txt"),
        "vendor": listed("vendor.txt"),
        "language": languages(),
    }
    denied = listed("denied.txt")
    words: dict[str, str] = {}
    for source, found in sources.items():
        for word in found - denied:
            if not is_word(word):
                raise SystemExit(f"not a word in lower case: {word!r} ({source.strip()})")
            words.setdefault(word, source.strip())
    return dict(sorted(words.items()))


def as_csv(words: dict[str, str]) -> str:
    """Return the text of the seed."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["word", "source"])
    writer.writerows(words.items())
    return out.getvalue()


def survives(token: str, words: dict[str, str] | set[str]) -> bool:
    """Return whether cleaning keeps a token: it is allowed, or all its camelCase parts are.

    At least one part must have more than two letters.
    """
    parts = camel_parts(token)
    split = max(map(len, parts)) > 2 and all(part.lower() in words for part in parts)
    return token.lower() in words or split


def coverage(words: dict[str, str]) -> str:
    """Return the shares of whole descriptions and of tokens that cleaning keeps; no description."""
    lines = []
    for column in DESCRIPTIONS:
        for scoring in (False, True):
            texts = [text for text, *_ in idc_rows([column]) if held_out(text) is scoring]
            tokens = [token for text in texts for token in letter_tokens(text)]
            whole = sum(all(survives(t, words) for t in letter_tokens(text)) for text in texts)
            parts = sum(survives(token, words) for token in tokens)
            lines.append(
                f"{column} {'held out' if scoring else 'tuning'}: "
                f"{whole / len(texts):.2%} of {len(texts)} descriptions, "
                f"{parts / len(tokens):.3%} of {len(tokens)} tokens"
            )
    return "\n".join(lines) + "\n"


def candidates(words: dict[str, str]) -> str:
    """Return words of the tuning part that are neither allowed nor denied, with their frequency."""
    denied = listed("denied.txt")
    return "".join(
        f"{word}\t{len(collections)} collections\t{len(patients)} patients\n"
        for word, (collections, patients) in sorted(seen_in_idc(DESCRIPTIONS, words).items())
        if word not in denied
    )


def main() -> None:
    """Run the command on the command line."""
    actions = {"coverage": coverage, "candidates": candidates}
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command == "write":
        SEED.write_text(as_csv(allowed()), encoding="utf-8")
    elif command in actions:
        sys.stdout.write(actions[command](allowed()))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
