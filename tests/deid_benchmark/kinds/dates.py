"""Renderings of dates: orders, separators, calendars, languages, partial dates.

Belongs here: text of a date.
Does not belong here: whose date it is (own, strangers).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
          "diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre "
          "dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro "
          "dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października "
          "listopada grudnia",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου "
          "Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
    "hu": "január február március április május június július augusztus szeptember október "
          "november december",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta "
          "syyskuuta lokakuuta marraskuuta joulukuuta",
}  # fmt: skip
ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"]
_ERAS = (("令和", "R", 2019), ("平成", "H", 1989), ("昭和", "S", 1926), ("大正", "T", 1912))

Rendering = Callable[[date, random.Random], str]


def month(when: date, language: str) -> str:
    """Return the name of the month."""
    return MONTHS[language].split()[when.month - 1]


def full_digits(when: date, chance: random.Random) -> str:
    """Return a date of digits with a year of four digits."""
    order = chance.choice(("%Y{0}%m{0}%d", "%d{0}%m{0}%Y", "%m{0}%d{0}%Y"))
    return when.strftime(order.format(chance.choice(("-", "/", ".", " ", "_", "", ". "))))


def unpadded_digits(when: date, chance: random.Random) -> str:
    """Return a date without leading zeros."""
    mark = chance.choice("/.-")
    parts = chance.choice((
        (when.day, when.month, when.year), (when.month, when.day, when.year),
        (when.day, when.month, f"{when:%y}"), (when.year, when.month, when.day),
    ))  # fmt: skip
    return mark.join(map(str, parts))


def short_year(when: date, chance: random.Random) -> str:
    """Return a date of digits with a year of two digits."""
    order = chance.choice(("%y{0}%m{0}%d", "%d{0}%m{0}%y", "%m{0}%d{0}%y"))
    return when.strftime(order.format(chance.choice(("-", "/", ".", " ", "_", ""))))


def split_digits(when: date, chance: random.Random) -> str:
    """Return a date in unusual groups of digits."""
    text = when.strftime(chance.choice(("%Y%m%d", "%d%m%Y")))
    mark = chance.choice((" ", "-", "_", ".", "\u00a0", " / "))
    return mark.join(text[i : i + 2] for i in range(0, 8, 2))


def month_and_year(when: date, chance: random.Random) -> str:
    """Return year and month in digits."""
    return when.strftime(chance.choice(("%Y-%m", "%Y/%m", "%m/%Y", "%m-%Y", "%m.%Y", "%Y.%m")))


def day_and_month(when: date, chance: random.Random) -> str:
    """Return day and month in digits."""
    d, m = when.day, when.month
    return chance.choice((f"{m}/{d}", f"{d}/{m}", f"{d}.{m}.", f"{d:02d}.{m:02d}.",
                          f"{m:02d}/{d:02d}", f"{d:02d}/{m:02d}"))  # fmt: skip


def glued_day_and_month(when: date, chance: random.Random) -> str:
    """Return day and month as four digits."""
    return when.strftime(chance.choice(("%m%d", "%d%m")))


def named_month(when: date, chance: random.Random, language: str = "en") -> str:
    """Return a date with the name of the month."""
    name = month(when, language)
    if language == "en" and chance.random() < 0.5:
        name = name[:3]
    name = chance.choice((name, name, name.upper(), name.lower()))
    return chance.choice((f"{when.day} {name} {when.year}", f"{when.day}. {name} {when.year}",
                          f"{when.day}-{name}-{when:%y}", f"{name} {when.day}, {when.year}",
                          f"{when.day:02d}{name}{when.year}", f"{name} {when.year}"))  # fmt: skip


def named_without_year(when: date, chance: random.Random, language: str = "en") -> str:
    """Return day and name of the month."""
    name = month(when, language)
    if language == "en":
        name = chance.choice((name, name[:3]))
        return chance.choice((f"{when.day} {name}", f"{name} {when.day}", f"{name} {when.day}th"))
    return chance.choice((f"{when.day} {name}", f"{when.day}. {name}"))


def roman_month(when: date, chance: random.Random) -> str:
    """Return a date with a Roman numeral as its month."""
    name = ROMAN[when.month - 1]
    return chance.choice((f"{when.day}.{name}.{when.year}", f"{when.day} {name} {when.year}",
                          f"{when.day}/{name}/{when:%y}",
                          f"{when.day}-{name}-{when.year}"))  # fmt: skip


def era(when: date, chance: random.Random) -> str:
    """Return a date of the Japanese calendar."""
    name, letter, first = next(found for found in _ERAS if when.year >= found[2])
    year = when.year - first + 1
    words = "元" if year == 1 and chance.random() < 0.5 else str(year)
    return chance.choice((f"{name}{words}年{when.month}月{when.day}日",
                          f"{letter}{year}.{when.month}.{when.day}",
                          f"{letter}{year}/{when.month:02d}/{when.day:02d}",
                          f"{name}{year}.{when.month}.{when.day}"))  # fmt: skip


def ideographic(when: date, chance: random.Random) -> str:
    """Return a date with the Chinese, Japanese or Korean words for year, month and day."""
    y, m, d = when.year, when.month, when.day
    return chance.choice((f"{y}年{m}月{d}日", f"{y}年{m:02d}月{d:02d}日", f"{m}月{d}日",
                          f"{y}년 {m}월 {d}일", f"{y}년{m}월{d}일", f"{y}年{m}月"))  # fmt: skip


def spaced_iso(when: date, chance: random.Random) -> str:
    """Return a date with spaces around its separators."""
    mark = chance.choice((" - ", " / ", " . ", "\u2013", "\uff0f", "\uff0e"))
    return when.strftime(chance.choice(("%Y{0}%m{0}%d", "%d{0}%m{0}%Y")).format(mark))


def full_width(when: date, chance: random.Random) -> str:
    """Return a date with full-width digits."""
    text = when.strftime(chance.choice(("%Y%m%d", "%Y/%m/%d", "%d.%m.%Y")))
    return "".join(chr(ord(c) + 0xFEE0) for c in text)
