"""Cohort query: the images that a user's SQL on the published file selects.

Belongs here: running the SQL in a sandbox that reads only the published file and writes nothing,
and resolving keys or UIDs of any level to images.
Does not belong here: paths of the images' files (source_files).
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.warehouse.duckdb import sql
from dicom_pipeline.warehouse.duckdb.publish import SCHEMA

# levels of entities, the finest first: column of the key, column of the UID, and their table
LEVELS = (
    ("image_key", "sop_instance_uid", "processed_images"),
    ("series_key", "series_instance_uid", "processed_series"),
    ("study_key", "study_instance_uid", "processed_studies"),
    ("patient_key", None, "processed_patients"),
)
KEYS = tuple(key for key, _, _ in LEVELS)
MEMORY_LIMIT = "4GB"
QUERY_SECONDS = 600.0
# no access to files, network, extensions, or Python objects of this process
_SANDBOX: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "memory_limit": MEMORY_LIMIT,
    "lock_configuration": True,
}
# messages of these errors quote the query and no values of tables
_SAFE_ERRORS = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)


class QueryError(ConfigurationError):
    """The SQL cannot be used; the message has one line."""


def cohort_images(database: Path, query: str, *, seconds: float = QUERY_SECONDS) -> pa.Table:
    """Return the images that a query selects.

    Parameters
    ----------
    database
        The published file.
    query
        One SELECT statement. If its result has keys or UIDs of several levels, the finest level
        is used.
    seconds
        The query is stopped after this time.

    Returns
    -------
    pyarrow.Table
        Columns ``image_key``, ``series_key``, ``study_key``, ``patient_key``; one row per image.

    Raises
    ------
    QueryError
        The query is not one SELECT statement, fails, or its result has no key or UID column.
    """
    with _sandboxed(database) as connection:
        result = _run(connection, query, seconds)
        columns = {name.lower(): index for index, name in enumerate(result.column_names)}
        for key, uid, table in LEVELS:
            for name in (key, uid):
                if name is not None and name in columns:
                    values = result.column(columns[name])
                    return _images(connection, values, name, key, table)
    names = ", ".join(name for key, uid, _ in LEVELS for name in (key, uid) if name)
    raise QueryError(f"the query gives none of the columns {names}")


@contextlib.contextmanager
def _sandboxed(database: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the published file read-only in a DuckDB without access to anything else."""
    connection = duckdb.connect(str(database), read_only=True, config=_SANDBOX)
    with contextlib.closing(connection):
        yield connection


def _run(connection: duckdb.DuckDBPyConnection, query: str, seconds: float) -> pa.Table:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.start()
    try:
        statements = connection.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
            raise QueryError("one SELECT is wanted")
        return connection.execute(statements[0]).to_arrow_table()
    except _SAFE_ERRORS as error:
        raise QueryError(f"the query fails: {_first_line(error)}") from None
    except duckdb.InterruptException:
        raise QueryError(f"the query took more than {seconds:g} seconds; see --timeout") from None
    except duckdb.OutOfMemoryException:
        raise QueryError(f"the query needs more than {MEMORY_LIMIT} of memory") from None
    except duckdb.PermissionException:
        raise QueryError("the query may read nothing but the published file") from None
    except duckdb.Error as error:
        # messages of errors during execution may quote values
        raise QueryError(f"the query fails: {type(error).__name__}") from None
    finally:
        timer.cancel()


def _first_line(error: duckdb.Error) -> str:
    return str(error).partition("\n")[0].strip()


def _images(
    connection: duckdb.DuckDBPyConnection, values: pa.ChunkedArray, name: str, key: str, table: str
) -> pa.Table:
    try:
        texts = values.cast(pa.string())
    except pa.ArrowException:
        raise QueryError(f"{name} of the query is no text") from None
    connection.register("chosen", pa.table({"value": texts}))
    keys = "select value from chosen"
    if name != key:
        keys = f"select {key} from {SCHEMA}.{table} where {sql.name(name)} in ({keys})"
    columns = ", ".join(KEYS)
    return connection.execute(
        f"select {columns} from {SCHEMA}.processed_images where {key} in ({keys}) order by all"
    ).to_arrow_table()
