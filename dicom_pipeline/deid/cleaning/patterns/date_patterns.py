"""Patterns of anybody's dates, times and ages over 89.

Patterns are searched in the comparable copy of a text (text_normal), which is in lower case.

Belongs here: dates in all orders, calendars and languages, complete and partial; times; ages.
Does not belong here: dates of the patient in digits without a form (own_dates), names of months
(date_words).
"""

from __future__ import annotations

import re

from dicom_pipeline.deid.cleaning.patterns.date_words import (
    AMBIGUOUS_SHORT_MONTHS,
    HOLIDAY_WORDS,
    HOLIDAYS,
    MONTH_NAMES,
    SHORT_MONTHS,
    UNSPACED_HOLIDAYS,
)
from dicom_pipeline.deid.cleaning.text_tokens import BAR, CJK

# the longer alternatives come first, because the first one that fits is taken
DAY = "(?:3[01]|[12][0-9]|0?[1-9])"
MONTH = "(?:1[0-2]|0?[1-9])"
YEAR = "(?:18|19|20)[0-9]{2}"
_MONTH_OF_TWO = "(?:1[0-2]|0[1-9])"
_DAY_OF_TWO = "(?:3[01]|[12][0-9]|0[1-9])"
_LETTER = f"[^\\W\\d_{BAR}]"
_NO_DIGIT_BEFORE, _NO_DIGIT_AFTER = "(?<![0-9])", "(?![0-9])"
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = f"(?<!{_LETTER})", f"(?!{_LETTER})"
# DOBJul 22 1956
_BEFORE_MONTH = f"(?:(?<!{_LETTER})|(?<=dob)|(?<=date)|(?<=born)|(?<=geb))"


_SINCE = (
    "(?:since|until|till|dated|seit|bis|vom|am|im jahr|depuis|jusqu'en|en|desde|hasta|dal|del|nel|"
    "fino al|de|em|até|sinds|uit|vanaf|od|do|ze|sedan|från|fra|siden|från och med|с|от|в|"
    "vs|versus|compared (?:to|with)|comparison|prior|previous|earlier|last|vergleich(?: mit| zu)?|"
    "voraufnahmen?|précédent|antérieur|comparado con|comparado com|anterior|precedente|confronto|"
    "poprzedni[ae]?|porównano z|předchozí|srovnání s|tidigare|jämfört med|önceki|op|surgery|"
    "operated|operation|operiert|opéré|operado|operada|operato|operata)"
)


def _alternatives(words: frozenset[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


_MONTH_NAME = f"(?:{_alternatives(MONTH_NAMES)})"
_MONTH_WORD = f"(?:{_alternatives(MONTH_NAMES | SHORT_MONTHS)})"
_AMBIGUOUS_MONTH = f"(?:{_alternatives(AMBIGUOUS_SHORT_MONTHS)})"
_ROMAN = "(?:viii|vii|vi|iv|ix|iii|ii|i|xii|xi|x|v)"
_GAP = f"[^0-9a-z{BAR}]{{0,3}}"
_BETWEEN = f"[^0-9a-z{BAR}]{{1,3}}"
_ORDINAL = "(?:st|nd|rd|th|er|[ºª.])?"
_ORDINAL_WORD = (
    "(?:the )?(?:(?:twenty|thirty)[- ])?"
    "(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|"
    "(?:thir|four|fif|six|seven|eigh|nine)teenth|twentieth|thirtieth)"
)
_OF = "(?:(?:de|of|di|del|d') ?)?"
# a time may follow a year: 2009 12:45
_AFTER_YEAR = f" ?[^0-9a-z :{BAR}] ?"
_DAYS_AND_MONTHS = f"(?:{DAY}{_BETWEEN}{MONTH}|{MONTH}{_BETWEEN}{DAY})"
_WEEK = (
    "(?:kw|cw|wk|week|woche|semaine|sem|semana|settimana|sett|tydzień|tydz|týden|vecka|uke|uge|"
    "hafta|неделя|нед)"
)
_IN_YEAR = f"(?:[ /.,-]|of|de|del){{1,3}}{YEAR}"
_BORN = "(?:geb|geboren|born|dob|né|née|nato|nata|nacido|nacida|nascido|nascida|född|ur|nar|doğum)"
# of the Islamic and Persian calendars, and of that of Thailand
_OTHER_YEAR = "(?:1[34]|2[45])[0-9]{2}"
_CJK_DIGITS = "[0-9〇零一二三四五六七八九十]"
_ERA = "(?:令和|平成|昭和|大正|明治|民國|民国|西暦|公元)"
_OLD = "(?:9[0-9]|1[0-2][0-9])"
# 90Y is an isotope
_OLDER = "(?:9[1-9]|1[0-2][0-9])"
_YEARS_OF_AGE = (
    "(?:years?|yrs?|y(?=[- ]old)|lj(?=[.])|[гл](?=[.])|"
    "ans|años|anos|anni|jahre?n?|jähr(?:ig[a-z]*|ling)?|jaehrig[a-z]*|jaar|jarig[ae]?|jr|"
    "lat|lata|letni[aej]?|letn[iy][a-z]*|yaş(?:ında)?|yas|år(?:ig[at]?|s|ing(?:en)?)?|åring(?:en)?|"
    "ar(?:ig[at]?)?|let|let[ýáéíy][a-z]*|rok[uy]?|roč[a-zíá]+|ετών|χρονών|χρόνων|ετους|лет|год[а]?|"
    "летн[а-я]+|річ[а-яі]+|éves|esztendős|vuotta|vuotias[a-z]*|-?vuoti[a-z]+|ani|godin[ae]?|tahun|tuổi)"
)
# words before an age
_AGE_LABELS = (
    "(?:aged?|alter|âge|agé|âgée?|edad|età|idade|wiek|lat|leeftijd|yaş|yaşı|ålder|alder|aldur|věk|vek|"
    "kor|kora|életkor|ikä|возраст|вік|ηλικία|ηλικίας|etate|vârsta|vârstă|umur|tuổi|年齢|年龄|年齡|나이|연령)"
)
_TENS_OF_90 = (
    "ninet(?:y|ies)|neunzig|quatre[- ]?vingts?[- ]?(?:dix|onze|douze|treize|quatorze|quinze|seize)|"
    "noventa|novanta|negentig|nonante|dziewięćdziesiąt|doksan|девяносто|nittio|halvfems|"
    "kilencven|yhdeksänkymmentä|devadesát|ενενήντα|nouăzeci"
)


_UNITS = (
    "one|two|three|four|five|six|seven|eight|nine|un|une|deux|trois|quatre|cinq|sept|huit|neuf|onze|"
    "uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|due|tre|quattro|cinque|sei|sette|otto|nove|"
    "um|uma|dois|duas|três|quatro|sete|oito|jeden|dwa|dwie|trzy|cztery|pięć|sześć|siedem|osiem|"
    "dziewięć|jedna|dva|dvě|tři|čtyři|pět|šest|sedm|osm|devět|один|одна|два|две|три|четыре|пять|шесть|"
    "семь|восемь|девять|bir|iki|üç|dört|beş|altı|yedi|sekiz|dokuz|ett|två|fyra|fem|sex|sju|åtta|nio|"
    "ένα|δύο|τρία|τέσσερα|πέντε|έξι|επτά|οκτώ|εννέα"
)


def _compiled(patterns: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)


def _short_dates() -> list[str]:
    """Dates with a year of two digits."""
    found = []
    for mark in ("-", "/", "[.]", "[.] "):
        days = f"(?:{DAY}{mark}{MONTH}|{MONTH}{mark}{DAY})"
        found.append(f"{_NO_DIGIT_BEFORE}{days}{mark}'?[0-9]{{2}}{_NO_DIGIT_AFTER}")
    # the year first, or without the usual separators
    found += [
        f"(?<![0-9a-z./-])[0-9]{{2}}{mark}{_MONTH_OF_TWO}{mark}{_DAY_OF_TWO}{_NO_DIGIT_AFTER}"
        for mark in ("-", "/", "[.]", "_")
    ]
    found.append(f"(?<![0-9a-z._/-]){_DAY_OF_TWO}_{_MONTH_OF_TWO}_[0-9]{{2}}(?![0-9])")
    return found


# A need occurs in every text that one of its patterns matches, and is faster to search.
DATES: tuple[tuple[re.Pattern[str], tuple[re.Pattern[str], ...]], ...] = tuple(
    (re.compile(need), _compiled(patterns))
    for need, patterns in (
        (
            YEAR,
            [
                f"{_NO_DIGIT_BEFORE}{_DAYS_AND_MONTHS}{_BETWEEN}{YEAR}",
                f"{YEAR}{_AFTER_YEAR}{MONTH}{_AFTER_YEAR}{DAY}",
                f"{YEAR} {MONTH} {DAY}{_NO_DIGIT_AFTER}",
                # weeks and quarters
                f"{_NO_DIGIT_BEFORE}{YEAR}[- ]?w[ -]?[0-5]?[0-9](?:-[1-7])?{_NO_DIGIT_AFTER}",
                f"{_NO_LETTER_BEFORE}{_WEEK}[. ]{{0,2}}[0-5]?[0-9]{_IN_YEAR}{_NO_DIGIT_AFTER}",
                f"{_NO_LETTER_BEFORE}[qt][1-4][ /.-]{{0,2}}{YEAR}{_NO_DIGIT_AFTER}",
                f"{_NO_DIGIT_BEFORE}{YEAR}[ /.-]{{0,2}}[qt][1-4]{_NO_DIGIT_AFTER}",
                # a year after a word for a past or planned day, or before a comparison
                f"{_NO_LETTER_BEFORE}{_SINCE}[.: ]{{1,3}}(?P<value>{YEAR})"
                f"(?![0-9.,]*[0-9])(?! ?(?:mm|ms|hz|x|hu|views|slices|images|ml|%))",
                f"(?<![0-9.])(?P<value>{YEAR}) (?:ile|yılında|tarihli|году|года|г[.])"
                f"{_NO_LETTER_AFTER}",
                # a year of birth
                f"{_NO_LETTER_BEFORE}{_BORN}[.: ]{{1,3}}(?P<value>{YEAR}){_NO_DIGIT_AFTER}",
                f"{YEAR}_{_MONTH_OF_TWO}_{_DAY_OF_TWO}",
                # year and month
                f"(?<![0-9./-]){MONTH}[/.]{YEAR}{_NO_DIGIT_AFTER}",
                f"(?<![0-9a-z./-]){_MONTH_OF_TWO} ?- ?{YEAR}{_NO_DIGIT_AFTER}",
                f"(?<![0-9a-z./-])(?:19|20)[0-9]{{2}}[-/.]{_MONTH_OF_TWO}(?![0-9./-]*[0-9])",
                # the compact form, with a time
                f"(?<![0-9]){YEAR}{_MONTH_OF_TWO}{_DAY_OF_TWO}(?:[t_ -]?[0-9]{{6}}|[0-9]{{4}})?"
                f"{_NO_DIGIT_AFTER}",
            ],
        ),
        ("[0-9][-/._] ?[0-9]{1,2}[-/._]", _short_dates()),
        (
            f"(?:{_OTHER_YEAR}[-/.]|[-/.]{_OTHER_YEAR})",
            [
                f"{_NO_DIGIT_BEFORE}{DAY}([-/.]){MONTH}\\1{_OTHER_YEAR}{_NO_DIGIT_AFTER}(?: ?ah)?",
                f"{_NO_DIGIT_BEFORE}{_OTHER_YEAR}([-/.]){MONTH}\\1{DAY}{_NO_DIGIT_AFTER}",
            ],
        ),
        (
            "[0-9]:[0-9]",
            [
                "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]+)?)?(?: ?[ap][.]?m[.]?)?",
                "[0-9]{1,2}:[0-5][0-9] ?[ap][.]?m[.]?",
            ],
        ),
        (
            f"{_ROMAN}[-/. ]+[0-9]",
            [
                f"{_NO_DIGIT_BEFORE}{DAY}[-/. ]{{1,2}}{_ROMAN}[-/. ]{{1,2}}{YEAR}",
                f"{_NO_DIGIT_BEFORE}{DAY}([-/.]){_ROMAN}\\1[0-9]{{2}}{_NO_DIGIT_AFTER}",
                f"(?<![0-9a-z]){_ROMAN}[./-]{YEAR}{_NO_DIGIT_AFTER}",
            ],
        ),
        (
            "[年月년월]|tháng|[mtshr] ?[0-9]{1,2}[./][0-9]|令和|平成|昭和|大正|明治|民",
            [
                f"{_ERA}?(?:元|{_CJK_DIGITS}{{1,4}}) ?[年년] ?{_CJK_DIGITS}{{1,3}} ?[月월]"
                f"(?: ?{_CJK_DIGITS}{{1,3}} ?[日号號일])?",
                # Vietnamese
                f"(?:ngày )?{DAY} tháng {MONTH}(?: năm {YEAR})?",
                f"{_CJK_DIGITS}{{1,3}} ?[月월] ?{_CJK_DIGITS}{{1,3}} ?[日号號일]",
                f"{_NO_DIGIT_BEFORE}{MONTH} ?[月월],? ?(?:'?[0-9]{{1,2}}|{YEAR}){_NO_DIGIT_AFTER}",
                f"{_ERA} ?(?:元|{_CJK_DIGITS}{{1,4}})(?: ?年|[./-]{MONTH}(?:[./-]{DAY})?)?",
                f"(?<![a-z0-9])[mtshr] ?[0-9]{{1,2}}([./]){MONTH}\\1{DAY}{_NO_DIGIT_AFTER}",
            ],
        ),
        (f"[{CJK}]{{2}}", [_alternatives(UNSPACED_HOLIDAYS)]),
        (
            # month and day beside scripts that write them so
            f"[{CJK}] ?0[1-9][0-3][0-9]|0[1-9][0-3][0-9] ?[{CJK}]",
            [
                f"(?:(?<=[{CJK}])|(?<=[{CJK}] ))0[1-9]{_DAY_OF_TWO}{_NO_DIGIT_AFTER}(?! ?(?:mm|x))",
                f"{_NO_DIGIT_BEFORE}0[1-9]{_DAY_OF_TWO}(?= ?[{CJK}])",
            ],
        ),
        (
            "[0-9][./][0-9]",
            [
                "(?<![a-z])(?:dob|born|dated?|since|seit|vom|geb[.]?|geboren|née?|prior|geb[.]? am"
                "|am|on|bis|until|till|le|du|dal|del|il|em|op|dd|d[.]d[.]|от|dnia|tarih)[ .:]{1,2}"
                "(?P<value>(?:3[01]|[12][0-9]|0?[1-9])"
                "[./](?:3[01]|[12][0-9]|0?[1-9])[.]?)(?![0-9/x%]| ?mm)",
                f"{_NO_DIGIT_BEFORE}{_DAY_OF_TWO}[.]{_MONTH_OF_TWO}[.](?![0-9])",
            ],
        ),
    )
)
# names of months and holidays are searched in texts that contain one of their words
MONTH_WORDS = MONTH_NAMES | SHORT_MONTHS | AMBIGUOUS_SHORT_MONTHS | HOLIDAY_WORDS
NAMED_DATES = _compiled(
    [
        f"{_NO_LETTER_BEFORE}(?:{_alternatives(HOLIDAYS)}){_NO_LETTER_AFTER}",
        f"{_NO_LETTER_BEFORE}{_ORDINAL_WORD} (?:of )?{_MONTH_WORD}{_NO_LETTER_AFTER}"
        f"(?:{_GAP}{YEAR})?",
        f"{_BEFORE_MONTH}{_MONTH_WORD} (?:the )?{_ORDINAL_WORD}{_NO_LETTER_AFTER}(?:{_GAP}{YEAR})?",
        f"(?:{_NO_DIGIT_BEFORE}{DAY}{_ORDINAL}{_GAP}{_OF})?{_BEFORE_MONTH}{_MONTH_WORD}[.]?"
        f"{_GAP}{_OF}{YEAR}",
        f"{YEAR}{_GAP}{_MONTH_WORD}[.]?{_GAP}{DAY}{_NO_DIGIT_AFTER}",
        f"{_BEFORE_MONTH}{_MONTH_WORD}[.]?{_GAP}{DAY}{_ORDINAL}{_GAP}{YEAR}",
        f"{_NO_DIGIT_BEFORE}{DAY}{_ORDINAL}{_GAP}{_OF}{_BEFORE_MONTH}{_MONTH_WORD}"
        f"{_NO_LETTER_AFTER}[.]?(?:{_GAP}{_OF}'?[0-9]{{2}}{_NO_DIGIT_AFTER})?",
        f"{_BEFORE_MONTH}{_MONTH_NAME}{_NO_LETTER_AFTER}{_GAP}{DAY}(?:st|nd|rd|th)?"
        f"(?![.]?[0-9]){_NO_LETTER_AFTER}",
        f"{_BEFORE_MONTH}{_MONTH_WORD}[. ]{{1,2}}{DAY}(?:st|nd|rd|th)?(?![.]?[0-9])"
        f"{_NO_LETTER_AFTER}",
        f"{_BEFORE_MONTH}{_MONTH_WORD}[-' /]{{1,2}}[0-9]{{2}}(?![0-9.]){_NO_LETTER_AFTER}",
        f"(?<![0-9a-z]){DAY}{_GAP}{_OF}{_AMBIGUOUS_MONTH}{_GAP}{_OF}{YEAR}{_NO_DIGIT_AFTER}",
        f"(?<![0-9a-z]){DAY}[./-]?{_AMBIGUOUS_MONTH}[./-]?[0-9]{{2}}{_NO_DIGIT_AFTER}",
    ]
)
AGES: tuple[tuple[re.Pattern[str], tuple[re.Pattern[str], ...]], ...] = tuple(
    (re.compile(need), _compiled(patterns))
    for need, patterns in (
        (
            f"(?<![0-9.])0?{_OLD}",
            [
                # 090Y and 097Y, as PatientAge is written, and 97Y
                f"(?<![0-9.])(?:09[0-9]|{_OLDER}) ?y{_NO_LETTER_AFTER}",
                f"(?<![0-9.]){_OLD} ?y[.]?/?o[.]?{_NO_LETTER_AFTER}",
                f"(?<![0-9.]){_OLD}[-. ]*{_YEARS_OF_AGE}(?:[- ]?(?:old|alt|of age))?"
                f"{_NO_LETTER_AFTER}",
                f"(?<![0-9a-z.])9[0-9] ?(?:/ ?)?[fm]{_NO_LETTER_AFTER}(?!/)",
                f"(?<![0-9a-z.])10[1-9] ?(?:/ ?)?[fm]{_NO_LETTER_AFTER}(?!/)",
                f"(?<![0-9a-z.])(?:[fmw]/? ?)?{_OLDER} ?(?:y[/ ]?o?|yr|j[.]?)(?:/?[fmw])?(?![a-z])",
                # in her 90s and in the late 90s; late 90s alone is a delay
                f"{_NO_LETTER_BEFORE}(?:(?:his|her|their)(?: late| mid| early)?|"
                f"in (?:the )?(?:late|mid|early))[- ]90'?s{_NO_LETTER_AFTER}",
                f"{_NO_LETTER_BEFORE}(?:male|female|man|woman|männlich|weiblich|homme|femme)"
                f",? {_OLD}(?![.,]?[0-9]| ?(?:mm|cm|kv|ma|kg|ms|s|%|x|/)){_NO_LETTER_AFTER}",
                f"(?<![0-9.]){_OLD} ?(?:歳|岁|歲|세|才)",
                f"(?<![0-9a-z])[fm]/? ?9[1-9](?:y(?:rs?)?)?{_NO_LETTER_AFTER}{_NO_DIGIT_AFTER}",
                f"{_NO_LETTER_BEFORE}{_AGE_LABELS}(?: (?:is|of))?[- :=<>≥≤~(]{{0,9}}"
                f"0?{_OLD}{_NO_DIGIT_AFTER}(?![.,][0-9])",
            ],
        ),
        (
            "ninet|genarian|tenarian|neunz|vingt|noven|novan|negen|nonan|dziew|doks|девян|nitt|halvf|kilen|"
            "yhdek|devade|ενεν|nouă",
            [
                f"{_NO_LETTER_BEFORE}(?:nonagenarian|centenarian){_NO_LETTER_AFTER}",
                # ninety, with words for its second digit, years and old
                f"{_NO_LETTER_BEFORE}(?:{_TENS_OF_90})(?:(?:[- ]|[- ]?(?:et|e|y|og|och)[- ])?"
                f"(?:{_UNITS}))?(?:[- ]?(?:{_YEARS_OF_AGE}))?(?:[- ]?old)?{_NO_LETTER_AFTER}",
                # the units before or joined to ninety: dreiundneunzigjährige, novantotto
                f"{_NO_LETTER_BEFORE}[a-zäöüßëéåæø]{{0,12}}(?:neunzig|negentig|novant[ae]?|nittio|nitti|"
                f"halvfems|kilencven|yhdeksänkymmentä)[a-zäöüßéåøí]*{_NO_LETTER_AFTER}",
            ],
        ),
        (
            "hund|honderd|c(?:ent|ien|em|ento)[- ]|(?:sto|сто)[- ]",
            [
                f"{_NO_LETTER_BEFORE}(?:(?:one|a) hundred|hundert|cent|cien|cem|cento|honderd|sto|"
                f"сто|hundra|hundre)(?:(?: and| et| e| y)? (?:{_UNITS}))?[- ]?{_YEARS_OF_AGE}"
                f"{_NO_LETTER_AFTER}",
            ],
        ),
    )
)
