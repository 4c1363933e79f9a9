"""Patterns of texts that have the form of an identifier, whosever: mail, phones, national numbers.

Patterns are searched in the comparable copy of a text (text_normal), which is in lower case.

Belongs here: the patterns that regular expressions describe, and the search for all of them.
Does not belong here: dates and ages (date_patterns), addresses (place_patterns), numbers by a
grammar (number_groups), numbers and names after labels (record_labels, name_labels), terms of a
patient (own_search), and words (text_cleaning).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dicom_pipeline.deid.cleaning.patterns.date_patterns import (
    AGES,
    DATES,
    MONTH_WORDS,
    NAMED_DATES,
    YEAR,
)
from dicom_pipeline.deid.cleaning.text_normal import normal_text
from dicom_pipeline.deid.cleaning.text_tokens import (
    BAR,
    CONTROLS,
    LETTERS,
    SEPARATORS,
    Span,
    Token,
    tokens_with_positions,
)

_NO_LETTER_BEFORE = f"(?:^|(?<=[0-9{BAR}{SEPARATORS}{CONTROLS}]))"
_SIDE = "(?<![a-z0-9])"
_OTHER_SIDE = "(?![a-z0-9])"

# The name in an address of mail. Patterns begin with a whole one, so that a long run of letters is
# not tried again at each of them.
_OF_MAIL = f"[^ @{BAR}(),;<>]"
# Contacts on the internet. A need occurs in every text that one of its patterns matches.
_CONTACTS = (
    (
        "@",
        [
            f"(?<!{_OF_MAIL}){_OF_MAIL}+ ?@ ?[a-z0-9.-]+[.][a-z]{{2,}}",
            # a name in a network: @mason_77
            "(?<![a-z0-9._+-])@[a-z][a-z-]*[._0-9][a-z0-9._-]*(?<![.])",
        ],
    ),
    (
        "[(\\[{<] ?at ?[)\\]}>]| dot ",
        [
            f"(?<!{_OF_MAIL}){_OF_MAIL}+ ?[(\\[{{<] ?at ?[)\\]}}>] ?[a-z0-9-]+"
            "(?: ?(?:[.]|[(\\[{<]? ?dot ?[)\\]}>]?) ?[a-z0-9-]+)*",
            f"(?<!{_OF_MAIL}){_OF_MAIL}+ at [a-z0-9-]+(?: dot [a-z0-9-]+)+",
        ],
    ),
    ("http|www", [f"(?:https?:|www[.])[^ {BAR}<>]+"]),
    (
        "[a-z][.][a-z]",
        [
            "(?<![a-z0-9.-])(?:[a-z0-9-]+[.])+"
            f"(?:com|org|net|edu|gov|info|de|fr|es|it|pt|nl|pl|uk|ch|at|be|br|jp|cn|kr|eu|local)"
            f"(?:/[^ {BAR}<>]*)?{_OTHER_SIDE}"
        ],
    ),
)
CONTACTS = tuple(re.compile(pattern) for _, patterns in _CONTACTS for pattern in patterns)
# A pattern that takes a whole run of digits looks behind, so that it is not tried again at each
# digit of a long run.
_OTHERS = tuple(
    (re.compile(need), tuple(re.compile(pattern) for pattern in patterns))
    for need, patterns in (
        *_CONTACTS,
        ("[0-9][.][0-9]", ["(?<![0-9])[0-9]+(?:[.][0-9]+){3,}"]),
        # a value that is nothing but a number says nothing of an image
        (
            f"^[ #]*[0-9]{{4}} *$|{BAR}",
            [f"(?:^|(?<={BAR}))[ #]{{0,4}}(?P<value>[0-9]{{4}})(?= *(?:{BAR}|$))"],
        ),
        (
            "[0-9]{5}",
            ["(?<![0-9])(?:[0-9]+-[0-9]{5,}(?:-[0-9]+)*|[0-9]{5,}-[0-9]+(?:-[0-9]+)*)"],
        ),
        ("[0-9]/[0-9]", ["[0-9]{3,5}/[0-9]{6,}"]),
        ("tel|fax|pager", ["(?:tel|fax|pager)[a-z]*[ .:]*[+0-9(][0-9 ()/.-]{3,}[0-9]"]),
        (
            "[+]",
            [
                "[+][0-9]{1,3}[ ()/.-]*(?:(?![0-9]+[.][0-9]+ ?[a-z])[0-9]{1,5}[ ()/.-]*){2,}"
                "(?<=[0-9])"
            ],
        ),
        ("[(][0-9]", ["[(][0-9]{2,5}[)][ -]*[0-9]{3,}(?:[ -](?![0-9]+[.][0-9])[0-9]+)*"]),
        (
            "[0-9]{3}[-. /][0-9]{2}",
            [
                "[0-9]{3}[-. /][0-9]{3}[-. ][0-9]{2}(?:[0-9][1-9]|[1-9][0-9])",
                "[0-9]{3}[- ][0-9]{2}[- ][0-9]{4}",
                "(?<![0-9])[0-9]*[0-9]{3}-[0-9]{2}(?:[0-9][1-9]|[1-9][0-9])[0-9]*",
                f"{YEAR}-[0-9]{{3,}}",
            ],
        ),
        (
            # six digits or more
            "[0-9](?:.*?[0-9]){5}",
            [
                # national numbers with letters: Italy, the United Kingdom, Spain, bank accounts
                f"{_SIDE}[a-z]{{6}}[0-9]{{2}}[a-z][0-9]{{2}}[a-z][0-9]{{3}}[a-z]{_OTHER_SIDE}",
                f"{_SIDE}[a-z]{{2}}(?:[ -]?[0-9]{{2}}){{3}}[ -]?[a-d]{_OTHER_SIDE}",
                f"{_SIDE}(?:[xyz]-?[0-9]{{7}}|[0-9]{{8}}|[0-9]{{2}}[.][0-9]{{3}}[.][0-9]{{3}})-?[a-z]"
                f"{_OTHER_SIDE}",
                f"{_SIDE}[a-z]{{2}}[0-9]{{2}}(?: ?[a-z0-9]{{4}}){{3,7}}(?: ?[a-z0-9]{{1,4}})?"
                f"{_OTHER_SIDE}",
                f"{_SIDE}[0-9]{{17}}x{_OTHER_SIDE}",
                # digits, a letter and digits: pensions in Germany
                f"{_SIDE}[0-9]{{2}}[ -]?[0-9]{{6}}[ -]?[a-z][ -]?[0-9]{{2,4}}{_OTHER_SIDE}",
            ],
        ),
    )
)
# at the beginning of a word with the name of a month
_DIGIT = re.compile("[0-9]")
_GROUPS = tuple(
    (need, patterns, is_moment)
    for groups, is_moment in ((_OTHERS, False), (DATES, True), (AGES, False))
    for need, patterns in groups
)
# those that a text without a digit can have: their needs are words, or words of East Asia
_GROUPS_OF_WORDS = tuple(
    group for group in _GROUPS if "[0-9]" not in group[0].pattern or "年" in group[0].pattern
)
_BEFORE_MONTHS = re.compile("dob|date|born|geb")
_LONG_NUMBER = re.compile("[0-9]{5}")
# of codes, in which names are not searched otherwise
_TITLED_NAME = re.compile(
    f"{_NO_LETTER_BEFORE}(?:(?:dr|prof|mrs|herr|frau|mme|dra|sra|dott)[. ]+|(?:mr|ms|sr)[.] ?)"
    f"{LETTERS}"
)
LABELLED_NUMBER = re.compile(
    f"{_NO_LETTER_BEFORE}(?:mrn|accession|acc|pid|ssn|nhs|dob|"
    "(?:patient|case|chart|order) ?(?:id|no|nr|number))"
    "[ .:#=-]+[a-z]{0,3}[ -]?[0-9]"
)


def pattern_spans(tokens: Sequence[Token], lower: str) -> Iterator[Span]:
    """Yield the spans of what has the form of an identifier.

    Parameters
    ----------
    tokens
        Runs of letters and of digits of the text, in lower case.
    lower
        The comparable copy of the text, in lower case.
    """
    for need, patterns, is_moment in _GROUPS if _DIGIT.search(lower) else _GROUPS_OF_WORDS:
        if need.search(lower):
            for pattern in patterns:
                for match in pattern.finditer(lower):
                    # a label before the identifier stays
                    name = "value" if "value" in pattern.groupindex else 0
                    yield Span(match.start(name), match.end(name), is_moment)
    words = [token.text for token in tokens]
    if not MONTH_WORDS.isdisjoint(words) or _BEFORE_MONTHS.search(lower):
        for pattern in NAMED_DATES:
            for match in pattern.finditer(lower):
                yield Span(match.start(), match.end(), is_moment=True)


def has_pattern(text: str) -> bool:
    """Whether a part of a text has the form of an identifier."""
    lower = normal_text(text).lower
    if any(p.search(lower) for p in (_LONG_NUMBER, _TITLED_NAME, LABELLED_NUMBER)):
        return True
    return next(pattern_spans(tokens_with_positions(lower), lower), None) is not None
