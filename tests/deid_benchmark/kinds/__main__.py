"""Print the scores of text cleaning by action, tier and language, tuning beside held out.

Belongs here: the loop over kinds, the table, and the failures of the tuning part.
Does not belong here: the kinds (own, strangers, harmless) and the judgement of a text (case).

    python -m tests.deid_benchmark.kinds                  the table
    python -m tests.deid_benchmark.kinds --failures 5     and failures of the tuning part
    python -m tests.deid_benchmark.kinds --kind phone     failures of some kinds only
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from dicom_pipeline.deid.cleaning.own_terms import OwnTerms, parse_terms
from dicom_pipeline.deid.cleaning.text_cleaning import TextCleaner
from tests.deid.own import cleaner, terms

from . import own, strangers
from .case import (
    CONTEXT,
    KINDS,
    REMOVED,
    RETAINED,
    Kind,
    is_context_retained,
    is_removed,
    is_retained,
)
from .harmless import PHRASES, TECHNIQUE, TIER, is_held_out, lines
from .patients import Patient, patient

_ = own, strangers  # they register their kinds


class Answer(NamedTuple):
    """A judged text."""

    action: str
    tier: str
    language: str
    kind: str
    is_held_out: bool
    passed: bool
    text: str
    clean: str


def own_terms(who: Patient) -> OwnTerms:
    """Return the terms of a patient with two studies."""
    studies = [terms(who.header(when)) for when in (who.earlier, who.studied)]
    found = parse_terms("\n".join(studies))
    return OwnTerms.of_patient(found, cleaner().allowed_words)


def of_kind(kind: Kind, count: int, clean_by: TextCleaner) -> Iterator[Answer]:
    """Clean texts of one kind."""
    chance = random.Random(f"kind {kind.name}")
    for number in range(count):
        if number % 4 == 0:
            who = patient(chance, has_short_id=kind.has_short_id)
            index = own_terms(who)
        case = kind.make(chance, who)
        clean = clean_by.clean(case.text, index).text or ""
        judged = [(REMOVED, is_removed(case, clean))]
        if not case.has_label:
            judged.append((CONTEXT, is_context_retained(case, clean)))
        for action, passed in judged:
            yield Answer(
                action, kind.tier, kind.language, kind.name, kind.is_held_out, passed,
                case.text, clean,
            )  # fmt: skip


def of_harmless(clean_by: TextCleaner) -> Iterator[Answer]:
    """Clean harmless phrases of a patient whose identifiers are in none of them."""
    header = {"PatientName": "Zyxquorn^Qwertilda", "PatientID": "8844221139"}
    index = OwnTerms.of_patient(parse_terms(terms(header)), cleaner().allowed_words)
    listed = [(name, name, phrases) for name, phrases in PHRASES.items()]
    listed += [(name, "en", phrases) for name, phrases in TECHNIQUE.items()]
    for name, language, phrases in listed:
        for text in lines(phrases):
            clean = clean_by.clean(text, index).text or ""
            yield Answer(
                RETAINED, TIER, language, name, is_held_out(text), is_retained(text, clean),
                text, clean,
            )  # fmt: skip


def of_real_texts(clean_by: TextCleaner, limit: int) -> Iterator[Answer]:
    """Clean public descriptions of a patient whose identifiers are in none of them."""
    from tests.deid_benchmark import real_texts

    index = OwnTerms.of_patient(
        parse_terms(terms({"PatientName": "Zyxquorn^Qwertilda", "PatientID": "8844221139"})),
        cleaner().allowed_words,
    )
    found = real_texts.read()
    texts = found.of_studies + found.of_series
    random.Random(5).shuffle(texts)
    for text in texts[:limit]:
        clean = clean_by.clean(text, index).text or ""
        yield Answer(
            RETAINED, "public descriptions", "en", "idc", real_texts.held_out(text),
            is_retained(text, clean), text, clean,
        )  # fmt: skip


def _share(passed: list[bool]) -> str:
    return f"{sum(passed) / len(passed):8.2%} {len(passed):6}" if passed else f"{'-':>8} {'':6}"


def table(answers: list[Answer]) -> str:
    """Return the scores by action, tier and language, as text."""
    groups: dict[tuple[str, ...], tuple[list[bool], list[bool]]] = defaultdict(lambda: ([], []))
    for answer in answers:
        other = "English" if answer.language == "en" else "other languages"
        for key in (
            (answer.action, answer.tier, "all"),
            (answer.action, answer.tier, other),
            (answer.action, "all", f"language {answer.language}"),
        ):
            groups[key][answer.is_held_out].append(answer.passed)
    rows = [f"{'action':<14} {'tier':<20} {'texts':<17} {'tuning':>15} {'held out':>16}"]
    for key in sorted(groups):
        tuning, held_out = groups[key]
        rows.append(f"{key[0]:<14} {key[1]:<20} {key[2]:<17} {_share(tuning)} | {_share(held_out)}")
    return "\n".join(rows)


def main() -> None:
    """Run the command on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=60, help="texts per kind")
    parser.add_argument("--real", type=int, default=20_000, help="public descriptions")
    parser.add_argument("--failures", type=int, default=0, help="failures to print per kind")
    parser.add_argument("--kind", default="", help="only kinds whose name contains this")
    given = parser.parse_args()
    clean_by = TextCleaner(cleaner().allowed_words)
    start = time.perf_counter()
    answers = [
        answer
        for kind in KINDS.values()
        if given.kind in kind.name
        for answer in of_kind(kind, given.count, clean_by)
    ]
    if not given.kind:
        answers += [*of_harmless(clean_by), *of_real_texts(clean_by, given.real)]
    failed: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if not answer.passed and not answer.is_held_out:
            failed[f"{answer.action} {answer.kind}"].append(answer)
    if given.failures:
        for name, listed in sorted(failed.items(), key=lambda item: -len(item[1])):
            sys.stdout.write(f"{name}: {len(listed)}\n")
            for answer in listed[: given.failures]:
                sys.stdout.write(f"    {answer.text!r} -> {answer.clean!r}\n")
    sys.stdout.write(f"{table(answers)}\n{time.perf_counter() - start:.1f} s\n")


if __name__ == "__main__":
    main()
