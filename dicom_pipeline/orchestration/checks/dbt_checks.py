"""Texts of dbt tests as asset checks: what a test checks, and what to do when it fails.

Belongs here: descriptions by kind of test. Does not belong here: the tests and texts of their own
(dbt_snowflake), and their results (dbt).
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

IF_IT_FAILS = "if_it_fails"  # key in a test's `config: meta:`, and in the metadata of its check
_OURS = (
    "This is a fault of the models, not of the data. Run the job of this group again; if the check "
    "still fails, report it with its name."
)
_SEED = "Two lines of the seed, or one of its values, are wrong: correct `seeds/{table}.csv`."
_DATA = (
    "Values are as in the files; no rows were dropped. Look at the rows before you use the "
    "column{query}."
)
# by kind of test: what it checks, and whether to look at the data, a seed or the code
_KINDS = {
    "unique": ("No two rows have the same `{column}`.", _OURS),
    "not_null": ("Every row has `{column}`.", _OURS),
    "relationships": ("Every `{column}` exists in `{other}`.", _OURS),
    "sum_equals_row_count": (
        "The sum of `{column}` equals the number of rows in `{other}`.",
        _OURS,
    ),
    "accepted_values": ("`{column}` has only known values.", _SEED),
    "unique_combination_of_columns": ("No two rows have the same {columns}.", _SEED),
    "accepted_range": (
        "`{column}` is plausible: from {min_value} to {max_value}, or empty.",
        _DATA,
    ),
    "expression_is_true": ("Every row fulfils `{expression}`.", _OURS),
}


class CheckTexts(NamedTuple):
    """What a check checks, and what to do when it fails."""

    description: str
    if_it_fails: str

    def __str__(self) -> str:
        """Return both, as the description that the web UI shows."""
        if not self.if_it_fails:
            return self.description
        return f"{self.description}\n\n**If it fails:** {self.if_it_fails}"


def check_texts(node: Mapping[str, Any]) -> CheckTexts:
    """Return the texts of a dbt test: its own, or those of its kind.

    Parameters
    ----------
    node
        The test in dbt's manifest.
    """
    description, if_it_fails = _texts_of_kind(node)
    own = node["config"].get("meta", {}).get(IF_IT_FAILS, "")
    return CheckTexts(
        _one_line(node.get("description")) or description, _one_line(own) or if_it_fails
    )


def _texts_of_kind(node: Mapping[str, Any]) -> tuple[str, str]:
    test = node.get("test_metadata")
    if not test or test["name"] not in _KINDS:
        return "", ""
    description, if_it_fails = _KINDS[test["name"]]
    arguments = {**test["kwargs"], **test["kwargs"].get("arguments", {})}
    table = str(node["attached_node"] or "").rpartition(".")[2]
    if ".seed." in f".{node['attached_node']}":
        if_it_fails = _SEED
    others = [name.rpartition(".")[2] for name in node["depends_on"]["nodes"]]
    values = _Values(
        arguments,
        column=node.get("column_name") or "",
        columns=" and ".join(f"`{name}`" for name in arguments.get("combination_of_columns", [])),
        table=table,
        other=next((name for name in others if name != table), table),
        query=_query(table, node.get("column_name"), arguments),
    )
    return description.format_map(values), if_it_fails.format_map(values)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _query(table: str, column: str | None, arguments: Mapping[str, Any]) -> str:
    """Return a query for the rows in the published file, which has no identifiers."""
    if not table.startswith("processed_") or "min_value" not in arguments:
        return ""
    return (
        f': `select * from processed.{table} where "{column}" not between'
        f" {arguments['min_value']} and {arguments['max_value']}`"
    )


class _Values(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""
