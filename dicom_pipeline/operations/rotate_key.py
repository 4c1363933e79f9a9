"""The order of a key rotation: another key, everything built anew with it, published.

Belongs here: where the new key comes from, and what comes after what.
Does not belong here: options (cli), the key itself (warehouse.vault), Dagster.

The build database is removed before the key changes: no moment has rows of two keys in it. The
published file stays that of the old key until the new one is whole. Whoever is killed before the
vault has the new key has changed nothing; after that every run, or a second rotation, completes it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from dicom_pipeline.common.errors import ConfirmationRequired
from dicom_pipeline.config.settings import Settings
from dicom_pipeline.deid.keys import Secret, derive, new_key, read_key
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.operations.build_job import OpenJob
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.warehouse.duckdb.row_counts import key_id_of, row_counts
from dicom_pipeline.warehouse.vault import (
    find_secret,
    known_key_id,
    own_key_file,
    replace_key,
    write_vault,
)
from dicom_pipeline.workspace import Workspace

Change = Callable[[], Secret]
_OLD_IS_LOST = "The old key is not kept: copy it first if you may need it."


class RotationRefused(ConfirmationRequired):
    """There is nothing to do, or somebody has to do something first; nothing was changed."""


def rotate_key(
    workspace: Workspace,
    console: Console,
    open_job: OpenJob,
    *,
    key_file: Path | None,
    confirm: Callable[[str], None],
    debug: bool,
) -> bool:
    """Make all tables with another key.

    Parameters
    ----------
    key_file
        File with the new key; without it one is made, or taken from the settings.
    confirm
        Called with what is about to happen; raises to stop it.

    Returns
    -------
    bool
        Whether the published file is that of the new key.

    Raises
    ------
    RotationRefused
        There is nothing to rotate, or the new key has to be set first.
    VaultError
        The new key is weak, malformed or unreadable.
    """
    settings = workspace.settings
    before = known_key_id(settings.warehouse_dir)
    if before is None and not workspace.ingest.raw.periods() and not settings.database.exists():
        raise RotationRefused("nothing was made with a key yet: dicom-pipeline run makes one")
    if not workspace.ingest.storage.is_there():
        raise ScanRefused(NOT_LISTED)  # the run below would stop halfway
    published = key_id_of(settings.database)
    if before is not None and published not in (None, before) and key_file is None:
        console.print("a rotation was cut off: completing it")
        old, change = published, None
    else:
        old = before or published
        change, where = _new_key(settings, key_file, old)
        confirm(_what_will_happen(old, where))
    with open_job() as job:
        if change is not None:
            with WriteSession(workspace)(waiting=console.print):
                workspace.warehouse.discard_build()
                change()
        success = job.run(debug=debug)
    new = known_key_id(settings.warehouse_dir)
    if not success:
        console.print(
            "[yellow]the key is the new one, and the published file still that of the old one; "
            "mend what failed, then: dicom-pipeline run[/yellow]"
        )
        return False
    for table, rows in row_counts(settings.database).items():
        console.print(f"{table}  {rows}")
    console.print(
        f"key {old or 'unknown'} is replaced by {new}\n"
        "all keys, pseudonyms, UIDs and date shifts are new: files that were published before no "
        "longer join these tables"
    )
    return True


def _new_key(settings: Settings, key_file: Path | None, old: str | None) -> tuple[Change, str]:
    """How the new key becomes that of the warehouse, and in words where it comes from."""
    directory = settings.warehouse_dir
    current = None
    if key_file is None:
        current = find_secret(
            warehouse_dir=directory,
            key=settings.pseudonym_key,
            key_file=settings.pseudonym_key_file,
        )
    variable = _variable(settings)
    if variable is not None:
        if key_file is not None:
            raise RotationRefused(
                f"--key-file does not go together with {variable}, from which every run takes the "
                f"key: set {variable} to the new key, or unset it"
            )
        if current is None or current.key_id == old:
            raise RotationRefused(_what_to_set(variable, old))
        secret = current
        return lambda: _adopt(secret, directory), f"The new one is that of {variable}."
    if key_file is not None:
        text = read_key(key_file)
        if derive(text).key_id == old:
            raise RotationRefused(
                f"the tables were made with the key of that file already ({old}); if a rotation "
                "was cut off, dicom-pipeline run completes it"
            )
        return lambda: replace_key(text, directory), f"The new one is in {key_file}. {_OLD_IS_LOST}"
    own = own_key_file(directory).name
    if current is not None and old is not None and current.key_id != old:
        secret = current
        return lambda: _adopt(secret, directory), f"The new one is what somebody put into {own}."
    where = f"The new one is made now. {_OLD_IS_LOST}" if current else "The new one is made now."
    return lambda: replace_key(new_key(), directory), where


def _adopt(secret: Secret, directory: Path) -> Secret:
    """Take a key that lies where every run looks for it: the vault alone changes."""
    write_vault(secret, directory)
    return secret


def _variable(settings: Settings) -> str | None:
    if settings.pseudonym_key is not None:
        return "DICOM_PSEUDONYM_KEY"
    return "DICOM_PSEUDONYM_KEY_FILE" if settings.pseudonym_key_file is not None else None


def _what_to_set(variable: str, old: str | None) -> str:
    if variable == "DICOM_PSEUDONYM_KEY":
        how = (
            "set it to a new one, as `openssl rand -hex 32` gives it, wherever it is set for runs, "
            "and then run dicom-pipeline rotate-key with it"
        )
    else:
        how = (
            "put a new one into the file that it names, as `openssl rand -hex 32` gives "
            "it, or set the variable to another file, and then run dicom-pipeline rotate-key again"
        )
    return f"the key comes from {variable}, and is that of the tables ({old}): {how}"


def _what_will_happen(old: str | None, where: str) -> str:
    return (
        f"The key of all pseudonyms ({old or 'unknown'}) is replaced by another one, and all "
        "tables are made anew. No file is read again.\n"
        "All keys, pseudonyms, UIDs and date shifts will be new: files that were published before "
        f"will no longer join.\n{where}"
    )
