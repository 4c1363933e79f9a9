"""Patterns of anybody's addresses, postcodes, coordinates and institutions.

Patterns are searched in a copy of the text with the case of the text (text_normal).

Belongs here: places by their form or by the words beside them.
Does not belong here: words in such names (place_words), places of the patient (own_search).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from dicom_pipeline.deid.cleaning.patterns.date_words import MONTH_NAMES, SHORT_MONTHS
from dicom_pipeline.deid.cleaning.patterns.place_words import (
    ADDRESS_LABELS,
    GENERIC_PLACES,
    INSTITUTIONS_AFTER_NAMES,
    STREETS_AFTER,
    STREETS_BEFORE,
)
from dicom_pipeline.deid.cleaning.text_tokens import BAR, DIGITS, Span, Token, word_set

_LETTER = f"[^\\W\\d_{BAR}]"
_NAME = f"{_LETTER}+(?:['-]{_LETTER}+)*"
_POSTCODES = re.compile(
    "(?<![A-Za-z0-9])(?:"
    # United Kingdom, Canada, the Netherlands with a space, Japan
    "[A-Z]{1,2}[0-9]{1,2}[A-Z]? [0-9][ABD-HJLNP-UW-Z]{2}"
    "|[ABCEGHJ-NPRSTVXY][0-9][ABCEGHJ-NPRSTV-Z] [0-9][ABCEGHJ-NPRSTV-Z][0-9]"
    "|[1-9][0-9]{3} [A-Z]{2}(?= [A-Z][a-z])"
    "|〒 ?[0-9]{3}(?:-[0-9]{4})?"
    # Japan, Poland, Portugal, Brazil, United States; 50-800 are numbers of a list
    "|(?<!-)(?![0-9]+-[0-9]+[05]0(?![0-9]))(?:[0-9]{3}-[0-9]{4}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3})"
    "|[0-9]{5}-[0-9]{3,4}"
    ")(?![A-Za-z0-9.]|-[0-9])"
)
_COORDINATES = re.compile(
    "[0-9]{1,3}° ?[0-9]{1,2}(?:[.][0-9]+)?' ?(?:[0-9]{1,2}(?:[.][0-9]+)?(?:\"|'')?)? ?[NSEWO]?"
    "|-?[0-9]{1,3}[.][0-9]{3,} ?°? ?[NSEWO]\\b|-?[0-9]{1,3}[.][0-9]{4,}, ?-?[0-9]{1,3}[.][0-9]{4,}"
)
_GERMAN_STREET = re.compile(
    f"(?<!{_LETTER}){_LETTER}*(?:stra(?:ß|ss)e|str[.]|gasse|platz|allee|weg|straat|laan"
    "|gracht|gatan|vägen|gade|vej|katu)"
    " ?[0-9]{1,4} ?[a-z]?(?![0-9a-z])",
    re.IGNORECASE,
)
_GERMAN_STREET_OF_TWO_WORDS = re.compile(
    f"(?<!{_LETTER})(?:{_NAME} (?:Straße|Strasse|Str[.]|Weg|Gasse|Platz|Allee|Ring|Damm|Ufer"
    "|straat|laan|plein"
    f"|sokak|sokağı|sok[.]|caddesi|cad[.]|mahallesi|mah[.])|(?:Am|An der|Auf der|Zum|Zur) {_NAME})"
    "(?: [0-9]{1,3}[.]? (?:sokak|sok[.]|cadde|cad[.]))?"
    ",? (?i:no ?[:.]? ?)?[0-9]{1,3} ?[a-z]?(?![0-9A-Za-z.])",
    re.IGNORECASE,
)
_AFTER_NUMBER = re.compile(
    f"(?<![0-9A-Za-z.])[0-9]{{1,5}}[A-Za-z]?,? (?:{_NAME} ){{1,3}}"
    f"(?i:{'|'.join(sorted(STREETS_AFTER))})\\b[.]?"
    f"|(?<![0-9A-Za-z.])[0-9]{{1,5}},? (?:{_NAME} ){{1,3}}(?:St|Dr|Ct|Pl|Sq|Ln|Way)\\b[.]?"
    "(?! [0-9])"
)
_BEFORE_NAME = re.compile(
    f"(?:(?<![0-9A-Za-z.])[0-9]{{1,4}}(?: ?bis| ?ter)?,? )?\\b"
    "(?i:ul[.]|al[.]|pl[.]|os[.]|av[.]|avda[.]|ул[.]|пр[.]|просп[.]|пер[.]|наб[.]|бул[.]|"
    f"(?:{'|'.join(sorted(STREETS_BEFORE))})\\b)"
    " (?:(?:de|du|des|la|le|les|del|della|di|dos|das|d'|l'|św[.]) ?){0,2}"
    f"{_NAME}(?: {_NAME}){{0,2}}"
    ",? ?(?:(?:д[.]|дом|nr|no[.:]|n[.°º]) ?)?(?:[0-9]{1,4}(?:/[0-9]{1,4})?[a-z]?(?![0-9A-Za-z]))?"
    "(?:,? ?(?:кв|apto?|apt|lok|m|bl)[.]? ?[0-9]{1,4})?"
)
_BOX = re.compile(
    f"(?<!{_LETTER})(?:p[.]? ?o[.]? ?box|post ?box|postfach|postbus|postboks|boîte postale"
    "|apartado(?: de correos| postal)?|caixa postal|casella postale"
    "|skr(?:ytka|[.]) poczt(?:owa|[.])|přihrádka|abonentský|а/я|posta kutusu"
    "|postilokero|postafiók) ?(?:n[or]?[.°º]? ?|№ ?|: ?)?[0-9]{1,6}",
    re.IGNORECASE,
)
_BOX_WORDS = word_set(
    """
    box postbox postfach postbus postboks postale postal apartado correos pocztowa poczt przegródka
    přihrádka я kutusu postilokero postafiók
    """
)
# streets, houses and flats by their short words, whatever the names are
_PARTS_OF_ADDRESSES = re.compile(
    f"(?<!{_LETTER})(?:ул|улица|пр|просп|проспект|пер|переулок|ш|наб|бул|д|дом|кв|корп|стр|обл"
    "|os|ul|al|pl|m|lok|av|avda|rua|r|calle|c/|cl|apt|apto|apartamento|ap|piso|pta|esc|blk|unit"
    "|cad|caddesi|sok|sokak|mah|mahallesi|daire|apt|kat|no|č[.]p)[.]?(?: ?:)? ?"
    f"(?:{_NAME},? ?){{0,3}}(?:(?:no|nr|n)[.:°º]{{1,2}} ?)?[0-9]{{1,4}}(?:[/-][0-9]{{1,4}})?"
    "[a-zа-я]?(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_UNSPACED_ADDRESS = re.compile(
    "(?:私書箱|信箱|사서함) ?[0-9]{1,6}"
    "|[路街道巷弄段大厦苑里](?<!胆道)(?<!尿道)(?<!気道)(?<!气道)"
    " ?[0-9]{1,5}(?:-[0-9]{1,4})*(?:号|號|弄|楼|室)"
    "|[0-9]{1,4}(?:丁目|番地|番町|번길|번지|길 [0-9]|가길)[0-9-]{0,9}(?:号|호)?"
    "|[\uac00-\ud7a3]{1,6}(?:로|길|대로)(?: [0-9]{1,3}(?:번)?길)?"
    " [0-9]{1,4}(?:-[0-9]{1,4})?(?:번지|호)?"
    "(?= ?(?:$|[,;.\n)-]))"
)
# a postcode in two groups before a place: 411 38 Visby
_POSTCODE_OF_TWO = re.compile(f"(?<![0-9A-Za-z.,-])[1-9][0-9]{{2}} [0-9]{{2}} ({_NAME})")
_AFTER_HOUSE_NUMBER = re.compile(" ?(?:$|[,;\n)]|[.](?![0-9]))")
_HOUSE_NUMBER = re.compile(" [1-9][0-9]{0,3}(?:[/-][0-9]{1,3})?[a-z]?(?![0-9A-Za-z])")
# the end of an address after a label
_END_OF_ADDRESS = re.compile(f"[;\n{BAR}]|[.] [^0-9]| - ")
_LONGEST_ADDRESS = 80
_FEWEST_LETTERS = 3
_DIGITS_OF_POSTCODE = 3
_MONTHS = MONTH_NAMES | SHORT_MONTHS
_INSTITUTION_WORDS = INSTITUTIONS_AFTER_NAMES | {"center", "centre"}
_CENTERS = frozenset({"center", "centre"})
_BEFORE_CENTERS = frozenset({"medical", "health", "cancer", "imaging"})
_GAPS = frozenset({" ", "-", "' ", "'"})
# patterns by the words that a text with a match contains, as whole words or at the end of one
_AFTER_WORDS = STREETS_AFTER | {"st", "dr", "ct", "pl", "sq", "ln", "way"}
_BEFORE_WORDS = STREETS_BEFORE | word_set("ul al pl os av avda ул пр просп пер наб бул")
_TWO_WORDS = word_set(
    """
    straße strasse str weg gasse platz allee ring damm ufer straat laan plein sokak sokağı
    sok mahallesi mah caddesi cad am an auf zum zur
    """
)
_ENDS = (
    "straße", "strasse", "str", "gasse", "platz", "allee", "weg", "ring", "damm", "ufer",
    "straat", "laan", "plein", "gracht", "gatan", "vägen", "gade", "vej", "katu", "tie",
)  # fmt: skip
_DIGIT = re.compile("[0-9]")
_FEWEST_PLACES = re.compile("[0-9][.][0-9]{3}")


def place_spans(cased: str, lower: str, tokens: Sequence[Token]) -> Iterator[Span]:
    """Yield the spans of streets, postcodes, coordinates and institutions.

    Parameters
    ----------
    cased, lower
        The comparable copies of a text.
    tokens
        Its runs of letters and of digits, in lower case.
    """
    words = {token.text for token in tokens}
    if _DIGIT.search(lower):
        for pattern in _patterns(words, lower):
            for match in pattern.finditer(cased):
                if _DIGIT.search(match[0]):
                    yield Span(match.start(), match.end())
    if not words.isdisjoint(_INSTITUTION_WORDS):
        yield from institution_spans(cased, tokens)


def _patterns(words: Collection[str], lower: str) -> Iterator[re.Pattern[str]]:
    """Yield the patterns that can match a text with these words."""
    yield _POSTCODES
    if "\u00b0" in lower or _FEWEST_PLACES.search(lower):
        yield _COORDINATES
    if not _AFTER_WORDS.isdisjoint(words):
        yield _AFTER_NUMBER
    if not _BEFORE_WORDS.isdisjoint(words):
        yield _BEFORE_NAME
    if not _TWO_WORDS.isdisjoint(words):
        yield _GERMAN_STREET_OF_TWO_WORDS
    if any(word.endswith(_ENDS) for word in words):
        yield _GERMAN_STREET


def address_spans(
    cased: str,
    tokens: Sequence[Token],
    words: Collection[str],
    is_allowed: Callable[[str], bool],
) -> Iterator[Span]:
    """Yield the spans of house numbers, postcodes and boxes, by the words beside them.

    Parameters
    ----------
    cased
        The comparable copy of a text with its case.
    tokens
        Its runs of letters and of digits, in lower case.
    words
        The distinct tokens.
    is_allowed
        Whether a word is an allowed word; names of streets and places are none.
    """
    if not _BOX_WORDS.isdisjoint(words):
        for match in _BOX.finditer(cased):
            yield Span(match.start(), match.end())
    if not cased.isascii():
        for match in _UNSPACED_ADDRESS.finditer(cased):
            yield Span(match.start(), match.end())
    for place, token in enumerate(tokens):
        if token.text[0] not in DIGITS:
            continue
        # a name that is removed anyway, and the number of a house after it
        before = tokens[place - 1] if place else token
        if (
            before.end + 1 == token.start
            and cased[before.start].isupper()
            and before.end - before.start > _FEWEST_LETTERS
            and (number := _HOUSE_NUMBER.match(cased, before.end))
            and _AFTER_HOUSE_NUMBER.match(cased, number.end())
            and not is_allowed(cased[before.start : before.end])
        ):
            yield Span(before.start, number.end())
        elif (
            len(token.text) == _DIGITS_OF_POSTCODE
            and (postcode := _POSTCODE_OF_TWO.match(cased, token.start))
            and postcode[1][0].isupper()
            and postcode[1].lower() not in _MONTHS
            and not is_allowed(postcode[1])
        ):
            yield Span(postcode.start(), postcode.end())
    if ADDRESS_LABELS.isdisjoint(words):
        return
    end = 0
    for token in tokens:
        if token.text in ADDRESS_LABELS and token.end > end:
            found = _END_OF_ADDRESS.search(cased, token.end, token.end + _LONGEST_ADDRESS)
            end = found.start() if found else min(len(cased), token.end + _LONGEST_ADDRESS)
            yield from (
                Span(number.start, number.end)
                for number in tokens
                if number.text[0] in DIGITS and token.end < number.start < end
            )
            for match in _PARTS_OF_ADDRESSES.finditer(cased, token.end, end):
                yield Span(match.start(), match.end())


def institution_spans(cased: str, tokens: Sequence[Token]) -> Iterator[Span]:
    """Yield up to two capitalised words before a word for an institution.

    Parameters
    ----------
    cased
        The comparable copy of a text with its case.
    tokens
        Its runs of letters and of digits, in lower case.
    """
    for place, token in enumerate(tokens):
        if token.text in INSTITUTIONS_AFTER_NAMES:
            last = place - 1
        elif token.text in _CENTERS and place > 1 and tokens[place - 1].text in _BEFORE_CENTERS:
            last = place - 2
        else:
            continue
        first = last
        while first >= 0 and first > last - 2:
            word = tokens[first]
            gap = cased[word.end : tokens[first + 1].start]
            if gap not in _GAPS or not cased[word.start].isupper() or not _is_name(word.text):
                break
            first -= 1
        if first < last:
            yield Span(tokens[first + 1].start, tokens[last].end)


def _is_name(word: str) -> bool:
    return word not in GENERIC_PLACES and len(word) > 1
