"""The secret key of the pseudonyms: reading, checking and key derivation.

Belongs here: the key as text, keys derived from it (HKDF, RFC 5869), and the keyed hash in Python.
Does not belong here: storage and rotation of the key (warehouse.vault), and the selection of hashed
values (macros and seeds of dbt).
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
    """The key is missing, weak, or not the key that the tables were built with.

    The message never quotes the key.
    """


@dataclass(frozen=True)
class Secret:
    """Keys derived from the secret key.

    Attributes
    ----------
    key_id
        Identifier of the key, 16 hex digits; not secret.
    ki, ko
        Inner and outer key of the keyed hash, 64 hex digits each.
    """

    key_id: str
    ki: str = field(repr=False)
    ko: str = field(repr=False)


def hkdf_sha256(key: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive ``length`` bytes from a key with HKDF-SHA256 (RFC 5869)."""
    extracted = hmac.digest(salt, key, "sha256")
    block, output = b"", b""
    while len(output) < length:
        counter = bytes([len(output) // 32 + 1])
        block = hmac.digest(extracted, block + info + counter, "sha256")
        output += block
    return output[:length]


def keyed_hash(secret: Secret, domain: str, value: str) -> str:
    """Return the keyed hash of a value, like ``deid.keyed_hash`` in SQL: 64 hex digits."""
    inner = hashlib.sha256(f"{secret.ki}{domain}|{value}".encode()).hexdigest()
    return hashlib.sha256(f"{secret.ko}{inner}".encode()).hexdigest()


def new_key() -> str:
    """Generate a random key, in hex."""
    return secrets.token_hex(KEY_BYTES)


def derive(text: str) -> Secret:
    """Derive the keys from a secret key given as text.

    Raises
    ------
    VaultError
        The key is weak or malformed.
    """
    key = _decode(text)

    def part(name: str, length: int) -> str:
        return hkdf_sha256(key, salt=SALT, info=name.encode(), length=length).hex()

    return Secret(key_id=part("key_id", 8), ki=part("ki", 32), ko=part("ko", 32))


def _decode(text: str) -> bytes:
    """Decode a key in hex or base64; errors are replaced, because some quote the key."""
    text = text.strip()
    try:
        is_hex = re.fullmatch("[0-9a-fA-F]+", text)
        key = bytes.fromhex(text) if is_hex else base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES or _is_not_random(key):
        raise VaultError(
            "The key (DICOM_PSEUDONYM_KEY, or the file DICOM_PSEUDONYM_KEY_FILE) must be at least "
            f"{KEY_BYTES} random bytes in hex or base64; create it with "
            f"`openssl rand -hex {KEY_BYTES}`."
        )
    return key


def _is_not_random(key: bytes) -> bool:
    """Whether the bytes cannot be random: few distinct values, a repetition, or ASCII text."""
    is_text = all(0x20 <= byte < 0x7F for byte in key)
    return len(set(key)) < KEY_BYTES // 2 or key in (key + key)[1:-1] or is_text


def read_key(path: Path) -> str:
    """Return the text of a key file.

    Raises
    ------
    VaultError
        The file cannot be read.
    """
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        # do not quote the path: a user may have set the key itself in place of the path
        raise VaultError(
            "The key file (DICOM_PSEUDONYM_KEY_FILE, or --key-file) cannot be read as text."
        ) from None
