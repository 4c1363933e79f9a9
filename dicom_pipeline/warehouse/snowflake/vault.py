"""The derived keys in Snowflake: a table that only its owner reads, behind a secure view.

Belongs here: making and filling the vault. Keys are bound, so no statement's text, and no query
history, holds one.
Does not belong here: deriving them (vault), and grants (setup).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicom_pipeline.deid.keys import Secret
from dicom_pipeline.warehouse.snowflake.session import run

if TYPE_CHECKING:
    from snowflake.connector import SnowflakeConnection

STATEMENTS = (
    "create transient schema if not exists vault data_retention_time_in_days = 0",
    "create transient table if not exists vault.secrets (key_id varchar, ki varchar, ko varchar)"
    " data_retention_time_in_days = 0",
    "create secure view if not exists vault.keys as select key_id, ki, ko from vault.secrets",
)


def put_keys(connection: SnowflakeConnection, secret: Secret) -> bool:
    """Make the vault that of a secret; leave it if it is. Returns whether it was changed."""
    for statement in STATEMENTS:
        run(connection, statement)
    held = run(connection, "select key_id from vault.secrets")
    if held == [(secret.key_id,)]:
        return False
    run(connection, "begin")
    try:
        run(connection, "delete from vault.secrets")
        run(
            connection,
            "insert into vault.secrets (key_id, ki, ko) values (?, ?, ?)",
            secret.key_id,
            secret.ki,
            secret.ko,
        )
        run(connection, "commit")
    except BaseException:
        run(connection, "rollback")
        raise
    return True
