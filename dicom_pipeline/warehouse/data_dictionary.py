"""The two published tables that explain the others: ``data_dictionary`` and ``run_info``.

Belongs here: their columns, comments and lines.
Does not belong here: writing them into a warehouse (publish, snowflake_publish), the words of
comments (comments), getting counts and versions (pipeline). Nothing in them comes from a header:
the leak check, which looks at what is built of headers, need not see them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

DICTIONARY = "data_dictionary"
RUN_INFO = "run_info"

Quote = Callable[[str], str]


@dataclass(frozen=True)
class Origin:
    """The DICOM attribute behind a column.

    Attributes
    ----------
    attribute
        Keyword, or a path of keywords.
    tag, vr
        Tag as ``(0010,0010)``, and value representation.
    function
        What the mapping has done to it under the profile in use.
    done
        That in words.
    """

    attribute: str
    tag: str
    vr: str
    function: str
    done: str


@dataclass(frozen=True)
class Comments:
    """What the published tables and columns say of themselves.

    A column without a comment is not published: nobody has said what it is. Of a column that
    stands for an attribute, ``origins`` says for which.
    """

    tables: Mapping[str, str]
    columns: Mapping[str, Mapping[str, str]]
    origins: Mapping[str, Mapping[str, Origin]] = field(default_factory=dict)


@dataclass(frozen=True)
class RunInfo:
    """What a publication was made with.

    Attributes
    ----------
    published_at
        Moment in UTC, as ISO 8601 has it.
    profile
        Profile of de-identification.
    versions
        Versions of software, and of the mapping, by name.
    files
        Counts of files by what became of them.
    """

    published_at: str
    profile: str
    versions: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)


_DICTIONARY_COLUMNS = {
    "table_name": "Published table or view.",
    "column_name": "Column of it.",
    "data_type": "Type of the column, as this database names it.",
    "attribute": "DICOM keyword (PS3.6) of the attribute behind the column, or a path of keywords;"
    " null for keys, counts and what is computed.",
    "tag": "Tag of the attribute.",
    "vr": "Value representation of the attribute.",
    "deidentification": "What de-identification did to the attribute under the profile in use.",
    "description": "What the column holds; the same as its comment.",
}
_RUN_INFO_COLUMNS = {
    "topic": "run, version, files or rows.",
    "name": "What is told: of files what became of them, of rows the table.",
    "value": "As text.",
    "number": "As a number, where it is a count.",
}
_COMMENTS = {
    DICTIONARY: "One row a column of every published table and view: what it is and what"
    " de-identification did to it.",
    RUN_INFO: "What this publication was made with, and of how many files. The table"
    " deidentification has the options of de-identification and the id of the key.",
}
_COLUMNS = {DICTIONARY: _DICTIONARY_COLUMNS, RUN_INFO: _RUN_INFO_COLUMNS}
_INTEGERS = ("number",)
OWN_TABLES = tuple(_COMMENTS)

Line = tuple[str | int | None, ...]


def with_own(comments: Comments) -> Comments:
    """Comments that cover the two tables too."""
    return Comments(
        {**comments.tables, **_COMMENTS}, {**comments.columns, **_COLUMNS}, comments.origins
    )


def dictionary_lines(columns: Iterable[tuple[str, str, str]], comments: Comments) -> Iterator[Line]:
    """Lines of ``data_dictionary``.

    Parameters
    ----------
    columns
        Table, name and type of each published column.
    comments
        What is said of them, the two tables included.
    """
    for table, column, type_ in columns:
        origin = comments.origins.get(table, {}).get(column)
        about = (origin.attribute, origin.tag, origin.vr, origin.done) if origin else (None,) * 4
        yield (table, column, type_, *about, comments.columns[table][column])


def run_info_lines(info: RunInfo, rows: Mapping[str, int]) -> Iterator[Line]:
    """Lines of ``run_info``.

    Parameters
    ----------
    info
        What the publication was made with.
    rows
        Rows of each table.
    """
    yield ("run", "published_at", info.published_at, None)
    yield ("run", "profile", info.profile, None)
    for name, version in info.versions.items():
        yield ("version", name, version, None)
    for topic, counts in (("files", info.files), ("rows", rows)):
        for name, count in counts.items():
            yield (topic, name, str(count), count)


def create_statement(place: str, table: str, name: Quote) -> str:
    """What makes one of the two tables.

    Parameters
    ----------
    place
        Its name, with the schema.
    table
        Which of the two.
    name
        How names are written.
    """
    columns = (f"{name(c)} {'bigint' if c in _INTEGERS else 'varchar'}" for c in _COLUMNS[table])
    return f"create table {place} ({', '.join(columns)})"


def insert_statement(place: str, lines: Iterable[Line], text: Quote) -> str:
    """What fills one of the two tables; ``text`` is how texts are written."""
    rows = (f"({', '.join(_literal(value, text) for value in line)})" for line in lines)
    return f"insert into {place} values {', '.join(rows)}"


def _literal(value: str | int | None, text: Quote) -> str:
    if value is None:
        return "null"
    return text(value) if isinstance(value, str) else str(value)
