"""What dbt's tests say of themselves as checks: what each holds, and what to do when it fails.

Belongs here: words. Does not belong here: the tests (dbt_snowflake), and their results (dbt).
"""

from collections.abc import Mapping
from typing import Any

IF_IT_FAILS = "If it fails: "
_OURS = (
    "this is a fault of the models, not of the data. Run the job of this group again; if it stays, "
    "report it with the name of the check."
)
_SEED = "two lines of the seed, or one of its values, are wrong: correct `seeds/{table}.csv`."
_DATA = "the files are so; nothing is left out. Look at the rows before you use the column{query}."
# by the kind of test: what holds, and whether data or the code is to blame
_KINDS = {
    "unique": ("No two rows have the same `{column}`.", _OURS),
    "not_null": ("Every row has `{column}`.", _OURS),
    "relationships": ("Every `{column}` is that of a row in `{other}`.", _OURS),
    "counts_all_rows_of": ("`{column}` adds up to the rows of `{other}`.", _OURS),
    "accepted_values": ("`{column}` has only known values.", _SEED),
    "unique_together": ("No two rows have the same `{column}` and `{with_column}`.", _SEED),
    "accepted_range": (
        "`{column}` is plausible: from {at_least} to {at_most}, where there is one.",
        _DATA,
    ),
    "holds": ("Every row fulfils: `{condition}`.", _OURS),
}


def description_of(node: Mapping[str, Any]) -> str:
    """Description of a dbt test: its own, or one by its kind.

    Parameters
    ----------
    node
        The test in dbt's manifest.
    """
    if node.get("description"):
        return laid_out(" ".join(node["description"].split()))
    test = node.get("test_metadata")
    if not test or test["name"] not in _KINDS:
        return ""
    holds, to_do = _KINDS[test["name"]]
    arguments = {**test["kwargs"], **test["kwargs"].get("arguments", {})}
    table = str(node["attached_node"] or "").rpartition(".")[2]
    if ".seed." in f".{node['attached_node']}":
        to_do = _SEED
    others = [name.rpartition(".")[2] for name in node["depends_on"]["nodes"]]
    words = _Words(
        arguments,
        column=node.get("column_name") or "",
        table=table,
        other=next((name for name in others if name != table), table),
        query=_query(table, node.get("column_name"), arguments),
    )
    return laid_out(f"{holds} {IF_IT_FAILS}{to_do}".format_map(words))


def to_do(description: str) -> str:
    """The part of a description that says what to do."""
    text = description.partition(IF_IT_FAILS.strip())[2].strip("* ")
    return text[:1].upper() + text[1:]


def laid_out(description: str) -> str:
    """A description as the UI shows it: what to do stands by itself."""
    holds, found, text = description.partition(IF_IT_FAILS)
    return f"{holds.strip()}\n\n**{IF_IT_FAILS.strip()}** {text}" if found else description


def _query(table: str, column: str | None, arguments: Mapping[str, Any]) -> str:
    """What shows the rows in the published file, which holds nothing that identifies."""
    if not table.startswith("processed_") or "at_least" not in arguments:
        return ""
    return (
        f': `select * from processed.{table} where "{column}" not between'
        f" {arguments['at_least']} and {arguments['at_most']}`"
    )


class _Words(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""
