"""Parsers for values of environment variables.

Belongs here: one function per kind of value. It returns the value or raises ``ValueError`` with the
expected form; the message never quotes the text, which may be a secret.
Does not belong here: names and defaults of variables, and checks of several variables (settings).
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
    """Parse a local path; relative paths start at the project directory."""
    if "://" in value:
        raise ValueError("expected a local path, not a URI")
    if not value.strip():
        raise ValueError("it is empty")
    try:
        path = Path(value).expanduser()
    except RuntimeError:
        raise ValueError("~ names the home directory of an unknown user") from None
    return Path(os.path.normpath(path if path.is_absolute() else PROJECT_DIR / path))


def location(value: str) -> Location:
    """Parse a local directory or an S3 URI."""
    if value.startswith(SCHEME):
        return S3Location.parse(value)
    if "://" in value:
        raise ValueError("expected a directory or s3://bucket/prefix")
    return path(value)


def flag(value: str) -> bool:
    """Parse true or false."""
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in known:
        raise ValueError("expected true or false")
    return known[value.lower()]


def text(value: str) -> str:
    """Parse text that is not blank; surrounding white space is removed."""
    if not value.strip():
        raise ValueError("it is empty")
    return value.strip()


def queue_url(value: str) -> str:
    """Parse the URL of an SQS queue."""
    if not re.fullmatch(r"https?://[^/\s]+/\S+", value):
        raise ValueError("expected the URL of an SQS queue")
    return value


def webhook(value: str) -> str:
    """Parse the URL of a webhook, which is a secret."""
    if not re.fullmatch(r"https?://[^/\s]+(/\S*)?", value):
        raise ValueError("expected a URL that begins with https:// or http://")
    return value


def lambda_function(value: str) -> str:
    """Parse the name or ARN of an AWS Lambda function."""
    if not re.fullmatch(r"[A-Za-z0-9_:$-]{1,170}", value):
        raise ValueError("expected the name or ARN of an AWS Lambda function")
    return value


def hours(value: str) -> float:
    """Parse a number of hours, at most one year."""
    return _number(value, 8_760, "expected hours, from 0 to 8760")


def days(value: str) -> float:
    """Parse a number of days, at most 100 years."""
    return _number(value, 36_500, "expected days, from 0 to 36500")


def fraction(value: str) -> float:
    """Parse a fraction from 0 to 1."""
    return _number(value, 1, "expected a number from 0 to 1")


def seconds(value: str) -> float:
    """Parse a number of seconds, at most one day."""
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
    """Parse the number of concurrent workers or calls."""
    if not value.isdecimal() or not 1 <= int(value) <= 1024:
        raise ValueError("expected a whole number from 1 to 1024")
    return int(value)


def patients(value: str) -> int:
    """Parse a number of patients."""
    if not value.isdecimal() or not 1 <= int(value) <= 1_000_000:
        raise ValueError("expected a whole number from 1 to 1000000")
    return int(value)


def choice(kind: type[E]) -> Callable[[str], E]:
    """Return a parser for the values of an enumeration."""

    def parse(value: str) -> E:
        try:
            return kind(value)
        except ValueError:
            raise ValueError("expected one of: " + ", ".join(kind)) from None

    return parse
