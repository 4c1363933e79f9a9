"""Snowflake settings: account, login, names of roles and of the warehouse.

Belongs here: the ``SNOWFLAKE_*`` variables, with the names that Snowflake's clients use, and their
validation.
Does not belong here: reading the environment (settings), connecting (warehouse.snowflake).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# warehouse sizes as Snowflake spells them
SIZES = ("XSMALL", "SMALL", "MEDIUM", "LARGE", "XLARGE", "XXLARGE", "XXXLARGE", "X4LARGE")

DEFAULTS: dict[str, str] = {
    "SNOWFLAKE_ACCOUNT": "",
    "SNOWFLAKE_USER": "",
    "SNOWFLAKE_PASSWORD": "",
    "SNOWFLAKE_PRIVATE_KEY_PATH": "",
    "SNOWFLAKE_PRIVATE_KEY_PASSPHRASE": "",
    "SNOWFLAKE_DATABASE": "DICOM",
    "SNOWFLAKE_ROLE": "DICOM_BUILDER",
    "SNOWFLAKE_ANALYST_ROLE": "DICOM_ANALYST",
    "SNOWFLAKE_WAREHOUSE": "DICOM_WH",
    "SNOWFLAKE_WAREHOUSE_SIZE": "XSMALL",
    "SNOWFLAKE_EDITION": "standard",
    "SNOWFLAKE_QUERY_TAG": "dicom_pipeline",
    "SNOWFLAKE_HOST": "",
    "SNOWFLAKE_PORT": "443",
    "SNOWFLAKE_PROTOCOL": "https",
}


@dataclass(frozen=True)
class SnowflakeSettings:
    """Connection parameters and object names.

    Attributes
    ----------
    account, user, password, private_key_path, private_key_passphrase
        Login, with a key pair or a password.
    database, role, analyst_role, warehouse
        Names of objects that `snowflake-setup` creates.
    warehouse_size, query_tag
        Size that the warehouse is created with; tag of all statements.
    edition
        ``standard``, or ``enterprise`` if the account has tags and masking policies.
    host, port, protocol
        Server; an empty host means that the account name determines it.
    """

    account: str
    user: str
    password: str
    private_key_path: Path | None
    private_key_passphrase: str
    database: str
    role: str
    analyst_role: str
    warehouse: str
    warehouse_size: str
    edition: str
    query_tag: str
    host: str
    port: int
    protocol: str

    def __repr__(self) -> str:  # a traceback must not contain secrets
        return f"SnowflakeSettings(account={self.account}, database={self.database})"


class SnowflakeSettingsError(ValueError):
    """A value cannot be used; the message has the variable and never a secret."""


def snowflake_settings(environ: Mapping[str, str], *, login: bool = True) -> SnowflakeSettings:
    """Read and check the variables.

    Parameters
    ----------
    environ
        The environment; an empty value means that the variable is not set.
    login
        Whether an account and a login are needed.

    Raises
    ------
    SnowflakeSettingsError
        A variable is missing or malformed.
    """
    values = {name: environ.get(name) or default for name, default in DEFAULTS.items()}
    get = {name.removeprefix("SNOWFLAKE_").lower(): value for name, value in values.items()}
    for name in ("database", "role", "analyst_role", "warehouse"):
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]{0,254}", get[name]):
            raise _unusable(name, "expected a name of letters, digits and underscores")
    if get["warehouse_size"].upper() not in SIZES:
        raise _unusable("warehouse_size", "expected one of: " + ", ".join(SIZES))
    if get["edition"] not in ("standard", "enterprise"):
        raise _unusable("edition", "expected standard or enterprise")
    if not re.fullmatch("[A-Za-z0-9_.:/ -]{1,200}", get["query_tag"]):
        raise _unusable("query_tag", "expected letters, digits, spaces and . : / - _")
    if not get["port"].isdecimal() or not 1 <= int(get["port"]) <= 65535:
        raise _unusable("port", "expected a port from 1 to 65535")
    if get["protocol"] not in ("http", "https"):
        raise _unusable("protocol", "expected http or https")
    key = Path(get["private_key_path"]).expanduser() if get["private_key_path"] else None
    if login:
        for name in ("account", "user"):
            if not get[name]:
                raise SnowflakeSettingsError(
                    f"SNOWFLAKE_{name.upper()} is not set; DBT_TARGET=snowflake needs it"
                )
        if key is None and not get["password"]:
            raise SnowflakeSettingsError(
                "neither SNOWFLAKE_PRIVATE_KEY_PATH nor SNOWFLAKE_PASSWORD is set; "
                "DBT_TARGET=snowflake needs one of them"
            )
        if key is not None and not key.is_file():
            raise _unusable("private_key_path", "the file does not exist")
        if get["protocol"] == "http" and get["host"] not in ("127.0.0.1", "localhost"):
            raise _unusable("protocol", "http is only allowed for a server on this machine")
    return SnowflakeSettings(
        account=get["account"],
        user=get["user"],
        password=get["password"],
        private_key_path=key,
        private_key_passphrase=get["private_key_passphrase"],
        database=get["database"].upper(),
        role=get["role"].upper(),
        analyst_role=get["analyst_role"].upper(),
        warehouse=get["warehouse"].upper(),
        warehouse_size=get["warehouse_size"].upper(),
        edition=get["edition"],
        query_tag=get["query_tag"],
        host=get["host"],
        port=int(get["port"]),
        protocol=get["protocol"],
    )


def _unusable(name: str, why: str) -> SnowflakeSettingsError:
    return SnowflakeSettingsError(f"SNOWFLAKE_{name.upper()} cannot be used: {why}")
