"""Names after titles and labels for people, which are removed even if they are allowed words.

Belongs here: which words beside a title, a label or a degree are a name.
Does not belong here: the titles, labels and degrees (name_label_words), names that are words
(name_words), numbers after labels (record_labels).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from dicom_pipeline.deid.cleaning.patterns.name_label_words import (
    ABBREVIATED,
    ABBREVIATED_NAMES,
    ACTIONS,
    AND,
    BODY_PARTS,
    BY,
    CALLS,
    DEGREES,
    INSIDE_TITLES,
    LABEL_WORDS,
    LABELS_WITH_COLON,
    NAMED_VERBS,
    NO_PERSON,
    PLURALS,
    SERVICES,
    SIGNING,
    STAFF,
    TALKED,
    TITLES,
    TOLD,
    WEAK_TITLES,
    WITH,
    WITH_CAPITALS,
)
from dicom_pipeline.deid.cleaning.patterns.name_words import NAME_WORDS, PARTICLES
from dicom_pipeline.deid.cleaning.text_tokens import BAR, CJK, DIGITS, Span, Token
from dicom_pipeline.deid.identity_words import ABBREVIATIONS

_MOST_NAMES = 3
_MOST_TITLES = 5
_MOST_INITIALS = 4
_NAME_GAPS = frozenset({" ", ". ", ".", "-", "'", "^", " - ", ", ", ","})
_JOINING_GAPS = frozenset({"-", "'", "^"})
_PLURAL_GAPS = frozenset({" & ", "/", " / ", ", ", "&"})
_MOST_LABEL_GAP = 3


# after these words for a person, and before these forms of address
_CJK_LABELS = re.compile(
    "(?:담당의|의뢰의|주치의|집도의|판독의|처방의|기사|간호사|보호자|"
    "申请医[师生]|检查医[师生]|报告医[师生]|审核医[师生]|"
    f"主治医[师生]?|技[师師]|护士|担当医|依頼医|読影医|看護師)"
    f"[: ]{{1,2}}([{CJK}]{{1,4}})(?![{CJK}])"
    f"|(?<![{CJK}])([{CJK}]{{1,3}}) (?:교수|선생|원장|과장|의사|医生|医师|医師|先生|教授|主任)"
)


# two initials in Cyrillic or Greek; abbreviations are in lower case
_OTHER_INITIALS = re.compile(
    "(?<![^\\W\\d_])[\u0386-\u03ab\u0400-\u042f][.] ?[\u0386-\u03ab\u0400-\u042f][.]"
    "(?: ?[\u0386-\u03ab\u0400-\u042f][.])?"
)


def spans_of_other_scripts(cased: str) -> Iterator[Span]:
    """Yield the spans of names in scripts other than Latin, and of initials in them.

    Parameters
    ----------
    cased
        The comparable copy of a text with its case.
    """
    for match in _OTHER_INITIALS.finditer(cased):
        yield Span(match.start(), match.end())
    for match in _CJK_LABELS.finditer(cased):
        group = 1 if match[1] else 2
        yield Span(match.start(group), match.end(group))


def has_label(words: frozenset[str]) -> bool:
    """Whether one of the words can be a title, a label or a degree."""
    return not words.isdisjoint(LABEL_WORDS)


def name_spans(
    tokens: Sequence[Token], cased: str, is_allowed: Callable[[str], bool]
) -> Iterator[Span]:
    """Yield the spans of names after titles and labels, and before degrees.

    Parameters
    ----------
    tokens
        Runs of letters and of digits of the text, in lower case.
    cased
        The text with its case.
    is_allowed
        Whether a word is an allowed word; others are removed anyway.
    """
    search = _Search(tokens, cased, is_allowed)
    for place in range(len(tokens)):
        span = search.after(place)
        if span is not None:
            yield span
        if search.is_degree(place) and (before := search.before(place)) is not None:
            yield before


class _Search:
    """The search in one text."""

    def __init__(
        self, tokens: Sequence[Token], cased: str, is_allowed: Callable[[str], bool]
    ) -> None:
        self.tokens = tokens
        self.cased = cased
        self.is_allowed = is_allowed

    def after(self, place: int) -> Span | None:
        """Return the span of the name that a title or label at a place announces."""
        word = self.tokens[place].text
        if word in TITLES:
            is_strong = not self._is_modality(place)
            name = self._name(place, strong=is_strong, plural=word in PLURALS)
            # the title is removed with the name
            return name and Span(self.tokens[place].start, name.end)
        if word in WEAK_TITLES:
            is_dotted = self._gap(place).startswith(".")
            is_title = self._cased(place).istitle() and len(word) > 1
            # MR, MS and HR are also abbreviations in imaging
            if word in ABBREVIATED and not (is_dotted or is_title):
                return None
            # M.H. are initials, M. Hand is a name
            has_initials = place + 2 < len(self.tokens) and self._are_initials(place)
            if len(word) == 1 and has_initials and not self._is_name_word(place + 2):
                return None
            strong = word in ("pan", "bay") or (word in ("mr", "ms", "sr", "hr") and is_dotted)
            return self._name(place, strong=strong, plural=False)
        if word in NAMED_VERBS:
            return self._name(place, strong=True, plural=False)
        if word == "per" and place + 1 < len(self.tokens) and self._is_name_word(place + 1):
            return self._labelled(place)
        if word in SERVICES and place + 1 < len(self.tokens):
            return self._labelled(place + 1) if self.tokens[place + 1].text in BY else None
        if word in TALKED and place + 2 < len(self.tokens):
            is_with = self.tokens[place + 1].text in WITH
            if is_with and self._is_bare_name(place + 2, word):
                return self._name(place + 1, strong=True, plural=False)
        if word in ACTIONS and place + 1 < len(self.tokens):
            if self.tokens[place + 1].text in BY:
                return self._labelled(place + 1)
            return self._labelled(place) if self._gap(place).strip() == ":" else None
        if (word in LABELS_WITH_COLON or word in BY) and self._are_initials(place + 1):
            last = place + 2
            while last - place < _MOST_INITIALS and self._are_initials(last):
                last += 1
            return Span(self.tokens[place + 1].start, self.tokens[last].end)
        if (word in STAFF or word in CALLS) and self._is_bare_name(place + 1, word):
            return self._name(place, strong=True, plural=False)
        if word in TOLD and place > 0 and self._is_name_told(place - 1):
            return Span(self.tokens[place - 1].start, self.tokens[place - 1].end)
        if word in SIGNING and place + 1 < len(self.tokens):
            initials = self._cased(place + 1)
            if self._gap(place) in (" ", ": ", ":") and len(initials) == 2 and initials.isupper():
                return Span(self.tokens[place + 1].start, self.tokens[place + 1].end)
        if word in LABELS_WITH_COLON:
            if self._gap(place).strip(" .") in (":", "=") or word == "nurse":
                return self._labelled(place)
            following = self.tokens[place + 1].text if place + 1 < len(self.tokens) else ""
            if following in ("name", "nom", "nome"):
                return self._labelled(place + 1)
        return None

    def is_degree(self, place: int) -> bool:
        """Whether a degree begins at a place: MD, or M.D."""
        if self.tokens[place].text in DEGREES:
            return True
        return (
            self.tokens[place].text == "m"
            and self._gap(place) == "."
            and place + 1 < len(self.tokens)
            and self.tokens[place + 1].text == "d"
        )

    def before(self, place: int) -> Span | None:
        """Return the span of up to two names before a degree: Faith Stone, MD."""
        first = place
        while first > 0 and place - first < 2:
            gap = self._gap(first - 1)
            is_next = gap in (", ", ",", " ") if first == place else gap in (" ", ". ", "-")
            # a degree without a comma may be an abbreviation
            if not is_next or not self._is_name_word(first - 1):
                break
            first -= 1
        if first == place or ("," not in self._gap(place - 1) and place - first < 2):
            return None
        return Span(self.tokens[first].start, self.tokens[place - 1].end)

    def _gap(self, place: int) -> str:
        """Return what follows a token up to the next one."""
        end = self.tokens[place].end
        if place + 1 == len(self.tokens):
            return self.cased[end : end + _MOST_LABEL_GAP]
        return self.cased[end : self.tokens[place + 1].start]

    def _are_initials(self, place: int) -> bool:
        """Whether two letters with a full stop between them begin at a place: S.M."""
        if place + 1 >= len(self.tokens) or self._gap(place) not in (".", ". "):
            return False
        first, second = self._cased(place), self._cased(place + 1)
        return len(first) == len(second) == 1 and (first + second).isupper()

    def _is_modality(self, place: int) -> bool:
        """Whether a title is also the modality DR: without a full stop, in capitals."""
        token = self.tokens[place]
        return (
            token.text == "dr"
            and self.cased[token.start : token.end] == "DR"
            and not self._gap(place).startswith(".")
            and place == 0
        )

    def _is_name_word(self, place: int) -> bool:
        token = self.tokens[place]
        if token.text[0] in DIGITS:
            return False
        return token.text in NAME_WORDS or not self.is_allowed(self._cased(place))

    def _cased(self, place: int) -> str:
        return self.cased[self.tokens[place].start : self.tokens[place].end]

    def _labelled(self, label: int) -> Span | None:
        """Return the span of a name after a label, unless another word for a person follows."""
        gap = self._gap(label)
        if label + 1 == len(self.tokens) or len(gap) > _MOST_LABEL_GAP or BAR in gap:
            return None
        following = self.tokens[label + 1].text
        if following in TITLES:
            return None
        has_form = self._has_form_of_name(label + 1)
        # a name in capitals stands out if the text is not in capitals
        stands_out = self._cased(label + 1).isupper() and not self.cased.isupper()
        if following in NO_PERSON and not (
            (has_form and (len(following) == 1 or following in NAME_WORDS))
            or (stands_out and following in NAME_WORDS - ABBREVIATED_NAMES)
        ):
            return None
        if self._is_name_word(label + 1) or has_form:
            return self._name(label, strong=True, plural=False)
        return None

    def _is_bare_name(self, place: int, label: str) -> bool:
        """Whether a name in the form of one follows a label without a colon."""
        if place >= len(self.tokens) or self._gap(place - 1) not in (" ", ": ", ":", ". "):
            return False
        word = self.tokens[place].text
        if word[0] in DIGITS or not self._cased(place).istitle():
            return False
        if word in NAME_WORDS:
            return word not in ABBREVIATIONS
        return (
            label not in CALLS
            and label not in WITH_CAPITALS
            and self._gap(place - 1) == " "
            and word not in NO_PERSON
            and word not in TITLES
        )

    def _is_name_told(self, place: int) -> bool:
        """Whether a name stands before a word such as informed: Hand informed."""
        return (
            self._gap(place) == " "
            and self._cased(place).istitle()
            and self.tokens[place].text in NAME_WORDS
        )

    def _has_form_of_name(self, place: int) -> bool:
        word = self._cased(place)
        if len(word) == 1:
            is_followed = place + 1 < len(self.tokens) and self._gap(place) in (" ", ".", ". ")
            return (
                word.isupper()
                and is_followed
                and self.cased[self.tokens[place + 1].start].isupper()
            )
        return word.istitle()

    def _name(self, title: int, *, strong: bool, plural: bool) -> Span | None:
        """Return the span of the name after a title: its first word, and what belongs to it."""
        tokens = self.tokens
        first = title + 1
        while first < min(len(tokens), title + _MOST_TITLES) and (
            tokens[first].text in INSIDE_TITLES or tokens[first].text in TITLES
        ):
            if len(self._gap(first - 1)) > _MOST_LABEL_GAP:
                break
            first += 1
        place = first
        gap = self._gap(first - 1)
        if place >= len(tokens) or len(gap) > _MOST_LABEL_GAP or BAR in gap:
            return None
        while place + 1 < min(len(tokens), first + _MOST_NAMES) and self._is_before_name(place):
            place += 1
        word = tokens[place].text
        has_initial = place > first
        if (
            word[0] in DIGITS
            or (self._is_modality(title) and word in BODY_PARTS)
            or not (strong or has_initial or self._is_name_word(place))
            or (
                word in NO_PERSON
                and not (word in NAME_WORDS or (strong and self._cased(place).istitle()))
            )
        ):
            return Span(tokens[first].start, tokens[place - 1].end) if has_initial else None
        last = place
        while last + 1 < len(tokens) and last - place < _MOST_NAMES - 1:
            gap = self._gap(last)
            if gap in _JOINING_GAPS:
                last += 1
            elif plural and (gap in _PLURAL_GAPS or tokens[last + 1].text in AND):
                last += 1
                if tokens[last].text in AND and last + 1 < len(tokens):
                    last += 1
            elif gap in (" ", ". ") and self._continues(last, first=place):
                last += 1
            else:
                break
        return Span(tokens[first].start, tokens[last].end)

    def _is_before_name(self, place: int) -> bool:
        """Whether a token is an initial or a particle, after which the name follows."""
        token = self.tokens[place]
        gap = self._gap(place)
        if token.text[0] in DIGITS or gap not in _NAME_GAPS:
            return False
        return len(token.text) == 1 or token.text in PARTICLES

    def _continues(self, last: int, *, first: int) -> bool:
        """Whether the token after a name belongs to it: a family name after a given name."""
        following = self.tokens[last + 1]
        if following.text[0] in DIGITS:
            return False
        if len(following.text) == 1:
            return self._gap(last + 1).startswith(".")
        if not self.is_allowed(self._cased(last + 1)):
            return True
        if not self._is_name_word(first) or self._gap(last) != " ":
            return False
        cased, after = self._cased(last), self._cased(last + 1)
        if cased[1:].islower() != after[1:].islower() or not after[0].isupper():
            return False
        is_title = after.istitle() and not self.is_allowed(self._cased(first))
        # Mr. DIETZ HEART, but Ms. Joao Hand
        if following.text in BODY_PARTS and not after.istitle():
            return False
        return following.text in NAME_WORDS or (is_title and following.text not in NO_PERSON)
