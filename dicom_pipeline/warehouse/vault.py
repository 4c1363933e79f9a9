"""The life of the key: where it comes from, what is derived from it, and the vault database.

Belongs here: finding, checking, making and replacing the secret, deriving its parts, handing them
to dbt through a small database of their own, and the keyed hash as Python computes it.
Does not belong here: what is hashed and why (the macros and seeds of dbt), settings, Dagster, and
what has to be built again with another key.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.common.private_files import FILE_MODE, ensure_private_directory, write_atomic

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
    known_id = known_key_id(warehouse_dir)
    secret = find_secret(warehouse_dir=warehouse_dir, key=key, key_file=key_file)
    if secret is None:
        if not may_create or known_id is not None:
            raise VaultError(
                "The key that the tables were made with is missing: set DICOM_PSEUDONYM_KEY or "
                f"DICOM_PSEUDONYM_KEY_FILE, or put back {own_key_file(warehouse_dir).name}. If it "
                "is lost, `dicom-pipeline rotate-key` makes a new one and all tables anew."
            )
        text = new_key()
        ensure_private_directory(warehouse_dir)
        write_atomic(own_key_file(warehouse_dir), f"{text}\n".encode())
        secret = derive(text)
    if known_id not in (None, secret.key_id):
        raise VaultError(
            f"This is another key ({secret.key_id}) than the one the tables were made with "
            f"({known_id}): set DICOM_PSEUDONYM_KEY or DICOM_PSEUDONYM_KEY_FILE to that one, or "
            "make all tables anew with this one: `dicom-pipeline rotate-key`."
        )
    return secret


def find_secret(*, warehouse_dir: Path, key: str | None, key_file: Path | None) -> Secret | None:
    """The key as it is now, whether or not the tables were made with it; None if there is none.

    Raises
    ------
    VaultError
        It is weak, malformed or unreadable.
    """
    _finish_replacing(warehouse_dir)
    if key is not None:
        return derive(key)
    own_file = own_key_file(warehouse_dir)
    file = key_file or (own_file if own_file.exists() else None)
    return None if file is None else derive(read_key(file))


def replace_key(text: str, warehouse_dir: Path) -> Secret:
    """Make another key that of the warehouse, in its own key file; the caller holds the lock.

    The vault is what counts: whoever is killed before it is replaced has changed nothing, and
    after that the new key takes the place of the old one as soon as anybody looks for it.

    Parameters
    ----------
    text
        The new key.
    warehouse_dir
        Private directory of the warehouse.

    Raises
    ------
    VaultError
        The new key is weak or malformed; nothing is changed.
    """
    secret = derive(text)
    ensure_private_directory(warehouse_dir)
    write_atomic(_next_key_file(warehouse_dir), f"{text.strip()}\n".encode())
    write_vault(secret, warehouse_dir)
    _finish_replacing(warehouse_dir)
    return secret


def _finish_replacing(warehouse_dir: Path) -> None:
    """Put the next key in place if the vault is its vault already."""
    following = _next_key_file(warehouse_dir)
    if following.exists():
        with contextlib.suppress(FileNotFoundError):  # another process may do the same just now
            text = following.read_text(encoding="ascii")
            if derive(text).key_id == known_key_id(warehouse_dir):
                following.replace(own_key_file(warehouse_dir))


def write_vault(secret: Secret, warehouse_dir: Path) -> Path:
    """Write the database that dbt attaches to see the derived keys; leave it if it has them."""
    path = vault_path(warehouse_dir)
    if path.exists() and _read_vault(path) == secret:
        return path
    ensure_private_directory(warehouse_dir)
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with contextlib.closing(duckdb.connect(str(temporary))) as connection:
        connection.execute("create table keys (key_id varchar, ki varchar, ko varchar)")
        connection.execute(
            "insert into keys values (?, ?, ?)", [secret.key_id, secret.ki, secret.ko]
        )
    temporary.chmod(FILE_MODE)
    temporary.replace(path)
    return path


def vault_path(warehouse_dir: Path) -> Path:
    """Where the vault database lies."""
    return warehouse_dir / "vault.duckdb"


def own_key_file(warehouse_dir: Path) -> Path:
    """Where the key lies that the pipeline made itself."""
    return warehouse_dir / "pseudonym.key"


def _next_key_file(warehouse_dir: Path) -> Path:
    return warehouse_dir / "pseudonym.key.next"


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


def known_key_id(warehouse_dir: Path) -> str | None:
    """Id of the key that the tables were made with; None before there are any."""
    path = vault_path(warehouse_dir)
    return _read_vault(path).key_id if path.exists() else None


def _read_vault(path: Path) -> Secret:
    try:
        with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
            row = connection.execute("select key_id, ki, ko from keys").fetchone()
    except duckdb.Error:
        row = None
    if row is None:
        raise VaultError(
            f"{path.name} cannot be read; if no other process holds it, remove it, and it is made "
            "anew from the key."
        )
    return Secret(*row)
