"""The life of the key: where it comes from, what is derived from it, and the vault database.

Belongs here: finding, checking and making the secret, deriving its parts, handing them to dbt
through a small database of their own, and the keyed hash as Python computes it.
Does not belong here: what is hashed and why (the macros and seeds of dbt), settings, Dagster.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

KEY_BYTES = 32
SALT = b"dicom_pipeline"


class VaultError(Exception):
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


def load_or_create_secret(
    *, warehouse_dir: Path, key: str | None, key_file: Path | None, may_create: bool
) -> Secret:
    """Find the key, or make one, and derive the secret from it.

    Parameters
    ----------
    warehouse_dir
        Private directory of the warehouse; its `pseudonym.key` is the key of last resort.
    key, key_file
        A key given as text, or the file that holds it; the text goes first.
    may_create
        Whether a key may be made: only while nothing has been built with another one.

    Raises
    ------
    VaultError
        If the key is missing, weak, unreadable, or another one than the vault's.
    """
    own_file = warehouse_dir / "pseudonym.key"
    known_id = _known_key_id(warehouse_dir)
    if key is not None:
        text = key
    elif key_file is not None:
        text = _read_key(key_file)
    elif own_file.exists():
        text = _read_key(own_file)
    elif may_create and known_id is None:
        text = secrets.token_hex(KEY_BYTES)
        _write_private(own_file, text + "\n")
    else:
        raise VaultError(
            f"The key that the tables were made with is missing: set DICOM_PSEUDONYM_KEY or "
            f"DICOM_PSEUDONYM_KEY_FILE, or put back {own_file.name}. If it is lost: "
            f"`dicom-pipeline rotate-key` (planned; until then, remove the raw zone, the warehouse "
            f"directory and the published file, and run again)."
        )
    secret = _derive(_decode(text))
    if known_id not in (None, secret.key_id):
        raise VaultError(
            f"This is another key ({secret.key_id}) than the one the tables were made with "
            f"({known_id}): set DICOM_PSEUDONYM_KEY or DICOM_PSEUDONYM_KEY_FILE to that one, or "
            f"change keys with `dicom-pipeline rotate-key` (planned)."
        )
    return secret


def write_vault(secret: Secret, warehouse_dir: Path) -> Path:
    """Write the database that dbt attaches to see the derived keys; leave it if it has them."""
    path = vault_path(warehouse_dir)
    if path.exists() and _read_vault(path) == secret:
        return path
    _make_private_dir(warehouse_dir)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with contextlib.closing(duckdb.connect(str(temporary))) as connection:
        connection.execute("create table keys (key_id varchar, ki varchar, ko varchar)")
        connection.execute(
            "insert into keys values (?, ?, ?)", [secret.key_id, secret.ki, secret.ko]
        )
    temporary.chmod(0o600)
    temporary.replace(path)
    return path


def vault_path(warehouse_dir: Path) -> Path:
    """Where the vault database lies."""
    return warehouse_dir / "vault.duckdb"


def _derive(key: bytes) -> Secret:
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
    # A key with few different bytes was typed, not drawn.
    if len(key) < KEY_BYTES or len(set(key)) < KEY_BYTES // 2:
        raise VaultError(
            "DICOM_PSEUDONYM_KEY (or the file DICOM_PSEUDONYM_KEY_FILE) must be at least "
            f"{KEY_BYTES} random bytes in hex or base64, as `openssl rand -hex {KEY_BYTES}` gives."
        )
    return key


def _read_key(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise VaultError(
            f"The key file {path} (DICOM_PSEUDONYM_KEY_FILE) cannot be read as text."
        ) from None


def _known_key_id(warehouse_dir: Path) -> str | None:
    path = vault_path(warehouse_dir)
    return _read_vault(path).key_id if path.exists() else None


def _read_vault(path: Path) -> Secret:
    with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
        row = connection.execute("select key_id, ki, ko from keys").fetchone()
    if row is None:
        raise VaultError(f"{path.name} is empty; remove it, and it is made anew from the key.")
    return Secret(*row)


def _make_private_dir(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    _make_private_dir(path.parent)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
