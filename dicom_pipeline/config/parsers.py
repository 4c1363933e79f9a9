"""What a variable's text means: text -> value, or ``ValueError`` that says what was expected.

Belongs here: one function a kind of value; none quotes the text, which may be a secret.
Does not belong here: names of variables, defaults, and what fits together (settings).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from dicom_pipeline.config.locations import SCHEME, Location, S3Location
from dicom_pipeline.config.project import PROJECT_DIR

E = TypeVar("E", bound=StrEnum)


def path(value: str) -> Path:
    """A directory or file of this machine; relative ones are relative to the project's root."""
    if "://" in value:
        raise ValueError("only a directory of this machine can be used")
    if not value.strip():
        raise ValueError("it is empty")
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("it names the home directory of a user who does not exist") from None
    return Path(os.path.normpath(path if path.is_absolute() else PROJECT_DIR / path))


def location(value: str) -> Location:
    """A directory, or a bucket with a prefix."""
    if value.startswith(SCHEME):
        return S3Location.parse(value)
    if "://" in value:
        raise ValueError("expected a directory, or s3://bucket/prefix")
    return path(value)


def flag(value: str) -> bool:
    """True or false."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError("expected true or false")
    return known[value.lower()]


def text(value: str) -> str:
    """Text that is not blank."""
    if not value.strip():
        raise ValueError("it is empty")
    return value.strip()


def queue_url(value: str) -> str:
    """The URL of a queue."""
    if not re.fullmatch(r"https?://[^/\s]+/\S+", value):
        raise ValueError("expected the URL of a queue, as SQS shows it")
    return value


def webhook(value: str) -> str:
    """The address of a webhook."""
    # the address is a secret: the message must not quote it
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", value):
        raise ValueError("expected an address that begins with https:// or http://")
    return value


def lambda_function(value: str) -> str:
    """The name or ARN of a function of AWS Lambda."""
    if not re.fullmatch(r"[A-Za-z0-9_:$-]{1,170}", value):
        raise ValueError("expected the name or the ARN of a function of AWS Lambda")
    return value


def hours(value: str) -> float:
    """Hours, up to a year."""
    return _number(value, 8_760, "expected hours, from 0 to 8760")


def days(value: str) -> float:
    """Days, up to a hundred years."""
    return _number(value, 36_500, "expected days, from 0 to 36500")


def fraction(value: str) -> float:
    """A share of a whole."""
    return _number(value, 1, "expected a number from 0 to 1")


def seconds(value: str) -> float:
    """Seconds, up to a day."""
    return _number(value, 86_400, "expected seconds, from 0 to 86400")


def _number(value: str, maximum: float, message: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError(message) from None
    if not 0 <= number <= maximum:
        raise ValueError(message)
    return number


def count(value: str) -> int:
    """A number of things that run at once."""
    if not value.isdecimal() or not 1 <= int(value) <= 1024:
        raise ValueError("expected a whole number from 1 to 1024")
    return int(value)


def choice(kind: type[E]) -> Callable[[str], E]:
    """A parser of one of several words."""

    def parse(value: str) -> E:
        try:
            return kind(value)
        except ValueError:
            raise ValueError("expected one of: " + ", ".join(kind)) from None

    return parse
