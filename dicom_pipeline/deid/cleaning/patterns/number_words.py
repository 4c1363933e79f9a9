"""Numbers in words: identifiers digit by digit, and years.

Belongs here: the words for numbers in the languages of texts, and which runs of them identify
somebody.
Does not belong here: numbers in digits (number_groups), ages in words (date_patterns).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from dicom_pipeline.deid.cleaning.text_tokens import BAR, DIGITS, Span, Token, word_set
from dicom_pipeline.deid.tokens import spellings


def _words(text: str) -> frozenset[str]:
    return frozenset(form for word in word_set(text) for form in spellings(word))


# digits, as people dictate them
_DIGIT_WORDS = _words(
    """
    zero oh one two three four five six seven eight nine
    null eins ein zwei zwo drei vier fünf sechs sieben acht neun
    zéro un deux trois quatre cinq six sept huit neuf
    cero uno dos tres cuatro cinco seis siete ocho nueve
    due tre quattro cinque sei sette otto nove
    um dois três quatro cinco seis sete oito
    nul een één twee drie vijf zes zeven negen
    jeden dwa trzy cztery pięć sześć siedem osiem dziewięć
    nula jedna dva tři čtyři pět šest sedm osm devět
    noll ett två fyra fem sex sju åtta nio
    en to fire seks syv otte ni åtte
    nolla yksi kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän
    nulla egy kettő három négy öt hat hét nyolc kilenc
    unu doi trei patru cinci șase şase șapte şapte opt nouă
    ноль нуль один два три четыре пять шесть семь восемь девять
    μηδέν ένα δύο τρία τέσσερα πέντε έξι επτά εφτά οκτώ οχτώ εννέα εννιά
    sıfır bir iki üç dört beş altı yedi sekiz dokuz
    """
)
# other parts of a year
_PARTS = _words(
    """
    ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty
    forty fifty sixty seventy eighty ninety hundred and
    cent cents dix onze douze treize quatorze quinze seize vingt vingts trente quarante cinquante
    soixante et
    cien ciento novecientos diez once doce trece catorce quince dieciséis diecisiete dieciocho
    diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis treinta
    cuarenta cincuenta sesenta setenta ochenta noventa y
    cem novecentos dez doze treze catorze quinze dezesseis dezasseis dezessete dezassete dezoito
    dezenove dezanove vinte trinta quarenta cinquenta sessenta oitenta e
    dziesięć jedenaście dwanaście trzynaście czternaście piętnaście szesnaście siedemnaście
    osiemnaście dziewiętnaście dwadzieścia trzydzieści czterdzieści pięćdziesiąt sześćdziesiąt
    siedemdziesiąt osiemdziesiąt dziewięćdziesiąt dziewięćset
    deset jedenáct dvanáct třináct čtrnáct patnáct šestnáct sedmnáct osmnáct devatenáct dvacet
    třicet čtyřicet padesát šedesát sedmdesát osmdesát devadesát set devětset
    десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать шестнадцать семнадцать
    восемнадцать девятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят
    девяносто девятьсот первого второго третьего четвёртого пятого шестого седьмого восьмого
    девятого первый второй третий четвёртый пятый шестой седьмой восьмой девятый
    on yirmi otuz kırk elli altmış yetmiş seksen doksan yüz
    """
)
_THOUSANDS = _words(
    """
    thousand tausend mille mil duizend tysiąc tysiące tysiąca tisíc tisíce tusen tusind tuhat ezer
    mie mii тысяча тысячи две тысяч bin
    """
)
# the first half of a year in English, and the second one
_CENTURIES = word_set("eighteen nineteen twenty")
_TEENS_AND_TENS = word_set(
    """
    hundred oh ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
    twenty thirty forty fifty sixty seventy eighty ninety
    """
)
_ALL = _DIGIT_WORDS | _PARTS | _THOUSANDS
# without those that are usual words of other languages
_TELLING = _ALL - word_set("and et y e i en on to un no oh set due sex due hat mil")
_FEWEST_DIGITS = 4
_FEWEST_OF_A_YEAR = 3
_LONGEST_GAP = 3
_DECIMALS = re.compile("[.,][0-9]")
_CHINESE, _KOREAN = "〇零一二三四五六七八九", "영공일이삼사오육칠팔구"
_UNSPACED_NUMBER = re.compile(f"[{_CHINESE}{_KOREAN}] ?[{_CHINESE}{_KOREAN}]")
_UNSPACED = re.compile(f"(?:[{_CHINESE}] ?){{3,}}[{_CHINESE}]|(?:[{_KOREAN}] ?){{4,}}[{_KOREAN}]")


def has_number_words(words: frozenset[str], lower: str) -> bool:
    """Whether a text may contain a number in words.

    Parameters
    ----------
    words
        Its tokens.
    lower
        The text in lower case.
    """
    if not words.isdisjoint(_TELLING) and len(words & _TELLING) > 1:
        return True
    return not lower.isascii() and _UNSPACED_NUMBER.search(lower) is not None


def number_word_spans(tokens: Sequence[Token], lower: str) -> Iterator[Span]:
    """Yield the spans of digits in words, of at least four, and of years in words.

    Parameters
    ----------
    tokens
        Runs of letters and of digits of the text, in lower case.
    lower
        The text in lower case.
    """
    if not lower.isascii():
        for match in _UNSPACED.finditer(lower):
            yield Span(match.start(), match.end())
    run: list[Token] = []
    for token in tokens:
        # the 3 of 3.0 mm is no digit of an identifier
        is_part = token.text in _ALL or (
            token.text in DIGITS and not _DECIMALS.match(lower, token.end)
        )
        if run and not (is_part and _is_near(lower[run[-1].end : token.start])):
            yield from _of_run(run)
            run = []
        if is_part:
            run.append(token)
    yield from _of_run(run)


def _is_near(gap: str) -> bool:
    return len(gap) <= _LONGEST_GAP and BAR not in gap


def _of_run(run: Sequence[Token]) -> Iterator[Span]:
    words = [token.text for token in run]
    if sum(word in _ALL for word in words) < 2:
        return
    # digit by digit; a single digit may be written as one
    first = 0
    for place in range(len(words) + 1):
        if place < len(words) and (words[place] in _DIGIT_WORDS or words[place] in DIGITS):
            continue
        found = words[first:place]
        if len(found) >= _FEWEST_DIGITS and sum(word in _DIGIT_WORDS for word in found) > 1:
            yield Span(run[first].start, run[place - 1].end)
        first = place + 1
    is_year = len(words) >= _FEWEST_OF_A_YEAR and not _THOUSANDS.isdisjoint(words)
    starts = [
        place
        for place, word in enumerate(words[:-1])
        if word in _CENTURIES and words[place + 1] in _TEENS_AND_TENS
    ]
    if is_year or starts:
        yield Span(run[0 if is_year else starts[0]].start, run[-1].end, is_moment=True)
