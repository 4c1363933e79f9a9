"""Life cycle of the pseudonym key, and the vault database.

Belongs here: finding, checking, creating and replacing the key, and passing the derived keys to
dbt through the vault database.
Does not belong here: derivation of keys (deid.keys), hashing in dbt (macros and seeds), settings,
Dagster, rebuilding tables with another key (operations.rotate_key).
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
    """Find or create the key, and derive the secret from it.

    Parameters
    ----------
    warehouse_dir
        Private directory of the warehouse; its ``pseudonym.key`` is used if no other key is given.
    key, key_file
        The key as text, or the file with it; the text takes precedence.
    may_create
        Whether a key may be created: only while no tables exist.

    Raises
    ------
    VaultError
        The key is missing, weak or unreadable, or differs from the key of the vault.
    """
    known_id = known_key_id(warehouse_dir)
    secret = find_secret(warehouse_dir=warehouse_dir, key=key, key_file=key_file)
    if secret is None:
        if not may_create or known_id is not None:
            raise VaultError(
                "The key that the tables were built with is missing: set DICOM_PSEUDONYM_KEY or "
                f"DICOM_PSEUDONYM_KEY_FILE, or put back {own_key_file(warehouse_dir).name}. If it "
                "is lost, `dicom-pipeline rotate-key` creates a new key and rebuilds all tables."
            )
        text = new_key()
        ensure_private_directory(warehouse_dir)
        write_atomic(own_key_file(warehouse_dir), f"{text}\n".encode())
        secret = derive(text)
    if known_id not in (None, secret.key_id):
        raise VaultError(
            f"This is another key ({secret.key_id}) than the one the tables were built with "
            f"({known_id}): set DICOM_PSEUDONYM_KEY or DICOM_PSEUDONYM_KEY_FILE to that one, or "
            "rebuild all tables with this one: `dicom-pipeline rotate-key`."
        )
    return secret


def find_secret(*, warehouse_dir: Path, key: str | None, key_file: Path | None) -> Secret | None:
    """Return the secret of the configured key.

    It is returned even if the tables were built with another key; None if no key is configured.

    Raises
    ------
    VaultError
        The key is weak, malformed or unreadable.
    """
    _finish_replacing(warehouse_dir)
    if key is not None:
        return derive(key)
    own_file = own_key_file(warehouse_dir)
    file = key_file or (own_file if own_file.exists() else None)
    return None if file is None else derive(read_key(file))


def replace_key(text: str, warehouse_dir: Path) -> Secret:
    """Replace the key of the warehouse in its key file; the caller holds the write lock.

    Replacing the vault is the commit. A process killed before it has changed nothing; after it,
    the next call that looks for the key finishes the replacement of the key file.

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
    """Move the next key to the key file if the vault has already been replaced."""
    next_file = _next_key_file(warehouse_dir)
    if next_file.exists():
        with contextlib.suppress(FileNotFoundError):  # another process may do the same
            text = next_file.read_text(encoding="ascii")
            if derive(text).key_id == known_key_id(warehouse_dir):
                next_file.replace(own_key_file(warehouse_dir))


def write_vault(secret: Secret, warehouse_dir: Path) -> Path:
    """Write the database with the derived keys, which dbt attaches; keep it if it has them."""
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
    """Return the path of the vault database."""
    return warehouse_dir / "vault.duckdb"


def own_key_file(warehouse_dir: Path) -> Path:
    """Return the path of the key file that the pipeline creates."""
    return warehouse_dir / "pseudonym.key"


def _next_key_file(warehouse_dir: Path) -> Path:
    return warehouse_dir / "pseudonym.key.next"


def known_key_id(warehouse_dir: Path) -> str | None:
    """Return the id of the key of the tables; None if there are no tables yet."""
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
            f"{path.name} cannot be read; if no other process holds it, remove it, and it is "
            "created again from the key."
        )
    return Secret(*row)
