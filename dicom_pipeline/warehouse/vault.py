"""The life of the key: where it comes from, what is derived from it, and the vault database.

Belongs here: finding, checking, making and replacing the secret, deriving its parts, handing them
to dbt through a small database of their own, and the keyed hash as Python computes it.
Does not belong here: what is hashed and why (the macros and seeds of dbt), settings, Dagster, and
what has to be built again with another key.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

import duckdb

from dicom_pipeline.common.private_files import FILE_MODE, ensure_private_directory, write_atomic
from dicom_pipeline.deid.keys import Secret, VaultError, derive, new_key, read_key


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
