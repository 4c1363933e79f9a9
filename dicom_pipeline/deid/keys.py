"""The secret key of pseudonyms: reading, checking and deriving from it.

Belongs here: the key as text, what is derived from it (HKDF, RFC 5869), and the keyed hash as
Python computes it (HMAC, RFC 2104).
Does not belong here: where the key is stored and when it changes (warehouse.vault), what is hashed
and why (the macros and seeds of dbt).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from dicom_pipeline.common.errors import ConfigurationError

KEY_BYTES = 32
SALT = b"dicom_pipeline"


class VaultError(ConfigurationError):
    """The key is missing, weak or not the one the tables were made with. Never quotes it."""


@dataclass(frozen=True)
class Secret:
    """What is derived from the key.

    Attributes
    ----------
    key_id
        Names the key; may be stored and shown.
    ki, ko
        Inner and outer key of the keyed hash, 64 hex digits each.
    """

    key_id: str
    ki: str = field(repr=False)
    ko: str = field(repr=False)


def hkdf_sha256(key: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive `length` bytes from a key, as RFC 5869 has it."""
    extracted = hmac.digest(salt, key, "sha256")
    block, output = b"", b""
    while len(output) < length:
        counter = bytes([len(output) // 32 + 1])
        block = hmac.digest(extracted, block + info + counter, "sha256")
        output += block
    return output[:length]


def keyed_hash(secret: Secret, domain: str, value: str) -> str:
    """Hash a value as the macro `keyed_hash` does: 64 lower-case hex digits."""
    inner = hashlib.sha256(f"{secret.ki}{domain}|{value}".encode()).hexdigest()
    return hashlib.sha256(f"{secret.ko}{inner}".encode()).hexdigest()


def new_key() -> str:
    """Draw a key."""
    return secrets.token_hex(KEY_BYTES)


def derive(text: str) -> Secret:
    """What is derived from a key that is given as text.

    Raises
    ------
    VaultError
        It is weak or malformed.
    """
    key = _decode(text)

    def part(name: str, length: int) -> str:
        return hkdf_sha256(key, salt=SALT, info=name.encode(), length=length).hex()

    return Secret(key_id=part("key_id", 8), ki=part("ki", 32), ko=part("ko", 32))


def _decode(text: str) -> bytes:
    """Bytes of a key in hex or base64; errors are swallowed because some would quote it."""
    text = text.strip()
    try:
        is_hex = re.fullmatch("[0-9a-fA-F]+", text)
        key = bytes.fromhex(text) if is_hex else base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES or _was_typed(key):
        raise VaultError(
            "The key (DICOM_PSEUDONYM_KEY, or the file DICOM_PSEUDONYM_KEY_FILE) must be at least "
            f"{KEY_BYTES} random bytes in hex or base64, as `openssl rand -hex {KEY_BYTES}` gives."
        )
    return key


def _was_typed(key: bytes) -> bool:
    """Whether nobody drew these bytes: few different ones, a repetition, or a text."""
    is_text = all(0x20 <= byte < 0x7F for byte in key)
    return len(set(key)) < KEY_BYTES // 2 or key in (key + key)[1:-1] or is_text


def read_key(path: Path) -> str:
    """Text of a key file.

    Raises
    ------
    VaultError
        It cannot be read.
    """
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        # not its path: somebody may have put the key where its path belongs
        raise VaultError(
            "The key file (DICOM_PSEUDONYM_KEY_FILE, or --key-file) cannot be read as text."
        ) from None
