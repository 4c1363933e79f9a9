"""Numbers that identify somebody by their form: runs of groups of digits that are no parameters.

A run of groups of digits with seven digits or more, such as a telephone or card number, identifies
somebody, unless a grammar of numbers in imaging explains it: sizes, decimals, ratios, lists of
b-values, matrices, numbers beside a unit or the name of a parameter.

Belongs here: runs of digits, and the numbers of imaging.
Does not belong here: numbers of the patient (own_search), dates (date_patterns), numbers after a
label (record_labels).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from dicom_pipeline.deid.cleaning.text_tokens import DIGITS, Span, Token, word_set

_LONGEST_NUMBER = 4
_FEWEST_DIGITS = 7
# between two groups of one run; commas and semicolons separate the numbers of a list
_GAP = re.compile("[ ._-]{1,2}|[)] ?| [-/] ")
_DECIMAL_PLACES = 3
_LONGEST_STEP = 100
# occurs in every text with such a run
_MANY_DIGITS = re.compile(f"[0-9](?:[ ._)/-]{{0,3}}[0-9]){{{_FEWEST_DIGITS - 1}}}")
# five digits or more among letters, without a separator
_MIXED = re.compile("(?<![a-z0-9])(?=[0-9]*[a-z])(?:[a-z]{0,3}[0-9]){5}[a-z0-9]*")
# letters and digits in turn; C3C4C5C6 are levels of the spine
_IN_TURN = re.compile("(?<![a-z0-9])(?:[a-z][0-9]){4,}(?![a-z0-9])")
_LEVELS = frozenset("ctls")
# letters of a numbering and two groups of digits: PX-12/4711
_PREFIXED = re.compile("(?<![a-z0-9])[a-z]{2,3}-?[0-9]{2,4}[-/][0-9]{3,4}(?![0-9a-z.])")
_MEASURE = re.compile(
    "(?<![0-9])[0-9]{1,3}[.][0-9]{1,3} ?"
    "(?:mm|cm|ml|mg|kg|mci|mbq|mhz|khz|hz|ms|sec|s|t|x|%)(?![a-z])"
)
_WORDS = re.compile("[a-z]+")
_NUMBERS = re.compile("[0-9]+")
# letters that are allowed words but make no parameter of the digits beside them
_OF_NUMBERS = frozenset({"no", "nr", "id", "ab", "an", "as", "at", "in", "is", "it", "of", "on"})
# names of parameters, which a number follows, and units, which follow a number
_PARAMETERS = word_set(
    """
    te tr ti fa fov b bval bvals bvalue bvalues kv kvp ma mas w l ww wl wc c nex nsa nav etl bw
    rbw td tw x sl thk th st gap slice slices slab matrix mtx mat res res pixel voxel voxels iso
    flip window level width center delay scan series ser se im img image images no echo phase
    phases dwi diff diffusion adc trace pd t r p v h q k i f d e s a z y g tse esp vps shot
    shots rep reps meas average averages dyn dynamic dynamics frame frames segment segments
    views view level levels spair stir flair spir dixon pitch kernel filter strength asir veo
    admire safire
    """
)
_UNITS = word_set(
    """
    mm cm m um ms msec s sec min h hr kv kvp kev mv ma mas mah hz khz mhz ghz deg t tesla x ml l
    mg g kg mci mbq kbq gbq bq gy mgy cgy hu ppm views view phases phase slices slice images
    image im sl d lbs to fps bpm px pixel pixels mmol cc st y yo years year yrs days weeks
    months days of
    """
)


def is_measure(lower: str, start: int) -> bool:
    """Whether a decimal number with a unit begins at a position of a text: 3.0 mm."""
    return _MEASURE.match(lower, start) is not None


def number_spans(
    tokens: Sequence[Token], lower: str, is_allowed: Callable[[str], bool]
) -> Iterator[Span]:
    """Yield the spans of long numbers and of runs of groups that are no parameters.

    Parameters
    ----------
    tokens
        Runs of letters and of digits of the text.
    lower
        The text in lower case.
    is_allowed
        Whether a word is an allowed word.
    """
    for token in tokens:
        if len(token.text) > _LONGEST_NUMBER and token.text[0] in DIGITS:
            yield Span(token.start, token.end)
    for match in _MIXED.finditer(lower):
        # a word or a unit shows that the digits are parameters: 80kV120mA
        words = [word for word in _WORDS.findall(match[0]) if word not in _OF_NUMBERS]
        if words != ["x"] * len(words) and not any(
            (len(word) > 1 and word in _UNITS) or (len(word) > 2 and is_allowed(word))
            for word in words
        ):
            yield Span(match.start(), match.end())
    for match in _IN_TURN.finditer(lower):
        if len(set(match[0][::2]) - _LEVELS) > 1:
            yield Span(match.start(), match.end())
    for match in _PREFIXED.finditer(lower):
        if not _are_parameters(_NUMBERS.findall(match[0])):
            yield Span(match.start(), match.end())
    if not _MANY_DIGITS.search(lower):
        return
    run: list[int] = []
    for place, token in enumerate(tokens):
        if token.text[0] not in DIGITS or is_attached(place, tokens, lower):
            yield from _of_run(run, tokens, lower)
            run = []
            continue
        if run and not _is_linked(tokens[run[-1]], token, lower, is_first=len(run) == 1):
            yield from _of_run(run, tokens, lower)
            run = []
        run.append(place)
    yield from _of_run(run, tokens, lower)


def _is_linked(before: Token, after: Token, lower: str, *, is_first: bool) -> bool:
    """Whether two groups of digits may belong to one number."""
    gap = lower[before.end : after.start]
    # an area code: 0228/28 71 50
    is_area = is_first and gap == "/" and before.text[0] == "0" and len(before.text) > 2
    return is_area or _GAP.fullmatch(gap) is not None


def is_attached(place: int, tokens: Sequence[Token], lower: str) -> bool:
    """Whether a number belongs to the letters beside it: b1000, 5mm, TE 90, 3 of 4."""
    token = tokens[place]
    if is_measure(lower, token.start):
        return True
    if place > 0 and (before := tokens[place - 1]).text[0] not in DIGITS:
        gap = lower[before.end : token.start]
        if not gap or (before.text in _PARAMETERS and gap in (" ", "=", ":", ": ", "= ", "_", "-")):
            return True
    if place + 1 < len(tokens) and (after := tokens[place + 1]).text[0] not in DIGITS:
        gap = lower[token.end : after.start]
        return not gap or (after.text in _UNITS and gap in (" ", "-", "_"))
    return lower[token.end : token.end + 1] == "%" or lower[token.end : token.end + 2] == " %"


def _of_run(run: list[int], tokens: Sequence[Token], lower: str) -> Iterator[Span]:
    if len(run) < 2:
        return
    groups = [tokens[place] for place in run]
    gaps = [lower[a.end : b.start] for a, b in itertools.pairwise(groups)]
    part: list[Token] = []
    place = 0
    while place < len(groups):
        is_decimal = (
            place < len(gaps)
            and gaps[place] == "."
            and len(groups[place + 1].text) <= _DECIMAL_PLACES
            and (place == 0 or gaps[place - 1] != ".")
            and (place + 1 == len(gaps) or gaps[place + 1] != ".")
        )
        if is_decimal:
            yield from _of_part(part, lower)
            part = []
            place += 2
        else:
            part.append(groups[place])
            place += 1
    yield from _of_part(part, lower)


def _of_part(part: list[Token], lower: str) -> Iterator[Span]:
    texts = [token.text for token in part]
    # 3615 - 6667 are two numbers of a list
    gaps = {lower[a.end : b.start] for a, b in itertools.pairwise(part)}
    if (len(part) == 2 and " - " in gaps) or (len(part) < 4 and " / " in gaps):
        return
    if len(part) > 1 and sum(map(len, texts)) >= _FEWEST_DIGITS and not _are_parameters(texts):
        yield Span(part[0].start, part[-1].end)


def _are_parameters(texts: Sequence[str]) -> bool:
    """Whether numbers are b-values, a matrix, a count, or equidistant."""
    if any(text[0] == "0" and len(text) > 1 for text in texts):
        return False
    numbers = [int(text) for text in texts]
    # the digits of one number: 0 1 7 6 4 3 2
    if len(numbers) >= _FEWEST_DIGITS and max(numbers) < 10:
        return numbers == sorted(numbers)
    if all(number < 10 or number % 50 == 0 or number % 16 == 0 for number in numbers):
        return True
    # a list of years
    if all(len(text) == 4 and text[:2] in ("19", "20") for text in texts):
        return True
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    return len(steps) == 1 and max(steps) <= _LONGEST_STEP and len(numbers) > 2
