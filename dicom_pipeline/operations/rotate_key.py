"""Key rotation: replace the key, rebuild all tables with it, publish them.

Belongs here: the source of the new key, and the order of the steps.
Does not belong here: options (cli), storing the key (warehouse.vault), Dagster.

The build database is removed before the key changes, so it never contains rows of two keys. The
published file uses the old key until the new file is complete. A rotation that is killed before
the vault contains the new key has not changed the key; after that, every run or another rotation
completes it.
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
_OLD_KEY_IS_DELETED = "The old key is not kept: copy it first if you may need it."


class RotationRefused(ConfirmationRequired):
    """There is no key to replace, or the new key must be set first; nothing was changed."""


def rotate_key(
    workspace: Workspace,
    console: Console,
    open_job: OpenJob,
    *,
    key_file: Path | None,
    confirm: Callable[[str], None],
    debug: bool,
) -> bool:
    """Replace the key, and rebuild and publish all tables with the new one.

    Parameters
    ----------
    workspace
        The services.
    console
        Terminal for messages.
    open_job
        Opens the job that rebuilds and publishes the tables.
    key_file
        File with the new key; if None, the key comes from the settings, or is generated.
    confirm
        Called with a description of the changes; raises an error to stop.
    debug
        Raise errors of steps, and print Dagster's log.

    Returns
    -------
    bool
        Whether the published file was built with the new key.

    Raises
    ------
    RotationRefused
        There is no key to replace, or the new key must be set first.
    VaultError
        The new key is weak, malformed or unreadable.
    ScanRefused
        The landing zone cannot be listed, so that the run would fail.
    """
    settings = workspace.settings
    before = known_key_id(settings.warehouse_dir)
    if before is None and not workspace.ingest.raw.periods() and not settings.database.exists():
        raise RotationRefused("there is no key to replace yet: dicom-pipeline run creates one")
    if not workspace.ingest.storage.exists():
        raise ScanRefused(NOT_LISTED)  # the run after the change would fail
    published = key_id_of(settings.database)
    if before is not None and published not in (None, before) and key_file is None:
        console.print("an earlier rotation was interrupted: completing it")
        old, change = published, None
    else:
        old = before or published
        change, source = _new_key(settings, key_file, old)
        confirm(_confirmation_message(old, source))
    with open_job() as job:
        if change is not None:
            with WriteSession(workspace)(waiting=console.print):
                workspace.warehouse.discard_build()
                change()
        success = job.run(debug=debug)
    new = known_key_id(settings.warehouse_dir)
    if not success:
        console.print(
            "[yellow]the key is replaced, but the published file was still built with the old key; "
            "fix the error, then run: dicom-pipeline run[/yellow]"
        )
        return False
    for table, rows in row_counts(settings.database).items():
        console.print(f"{table}  {rows}")
    console.print(
        f"key {old or 'unknown'} is replaced by {new}\n"
        "all keys, pseudonyms, UIDs and date shifts are new: files published earlier no longer "
        "join these tables"
    )
    return True


def _new_key(settings: Settings, key_file: Path | None, old: str | None) -> tuple[Change, str]:
    """Return a function that replaces the key, and a sentence about the source of the new key."""
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
                f"--key-file cannot be combined with {variable}, from which every run reads the "
                f"key: set {variable} to the new key, or unset it"
            )
        if current is None or current.key_id == old:
            raise RotationRefused(_unchanged_variable_message(variable, old))
        secret = current
        return lambda: _use_stored_key(secret, directory), f"The new key is read from {variable}."
    if key_file is not None:
        text = read_key(key_file)
        if derive(text).key_id == old:
            raise RotationRefused(
                f"the tables already use the key in that file ({old}); if a rotation was "
                "interrupted, dicom-pipeline run completes it"
            )
        return (
            lambda: replace_key(text, directory),
            f"The new key is read from {key_file}. {_OLD_KEY_IS_DELETED}",
        )
    own = own_key_file(directory).name
    if current is not None and old is not None and current.key_id != old:
        secret = current
        return (
            lambda: _use_stored_key(secret, directory),
            f"The new key is the one already stored in {own}.",
        )
    source = "A new key is generated."
    if current:
        source = f"{source} {_OLD_KEY_IS_DELETED}"
    return lambda: replace_key(new_key(), directory), source


def _use_stored_key(secret: Secret, directory: Path) -> Secret:
    """Use a key that is already stored where runs read it; only the vault changes."""
    write_vault(secret, directory)
    return secret


def _variable(settings: Settings) -> str | None:
    if settings.pseudonym_key is not None:
        return "DICOM_PSEUDONYM_KEY"
    return "DICOM_PSEUDONYM_KEY_FILE" if settings.pseudonym_key_file is not None else None


def _unchanged_variable_message(variable: str, old: str | None) -> str:
    if variable == "DICOM_PSEUDONYM_KEY":
        fix = (
            "set it to a new key (`openssl rand -hex 32`) wherever it is set for runs, then run "
            "dicom-pipeline rotate-key again"
        )
    else:
        fix = (
            "write a new key (`openssl rand -hex 32`) to that file, or set the variable to another "
            "file, then run dicom-pipeline rotate-key again"
        )
    return f"the key from {variable} is still the one that the tables use ({old}): {fix}"


def _confirmation_message(old: str | None, source: str) -> str:
    return (
        f"The key of all pseudonyms ({old or 'unknown'}) will be replaced, and all tables will be "
        "rebuilt. No DICOM file is read again.\n"
        "All keys, pseudonyms, UIDs and date shifts will change: files published earlier will no "
        f"longer join.\n{source}"
    )
