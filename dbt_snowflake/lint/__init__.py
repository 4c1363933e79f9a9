"""The parts of dbt's Jinja context that macros use, for sqlfluff.

sqlfluff renders models with the project's own macros (see `.sqlfluff`), without dbt and without a
database. Belongs here: names that dbt provides. Does not belong here: macros of this project.
"""

import re
from collections.abc import Callable
from types import SimpleNamespace

import jinja2

execute = True
context: dict[str, object] = {}
model = {"name": "", "raw_code": ""}
modules = SimpleNamespace(re=re)
target = SimpleNamespace(type="duckdb", database="build")
flags = SimpleNamespace(FULL_REFRESH=False)
project_name = "dicom_pipeline"


class Rows(list[tuple[object, ...]]):
    """Result of a query."""

    rows = property(list)


class Row(dict[str, str]):
    """A row by column names."""

    def dict(self) -> dict[str, str]:
        """Return the row as a dictionary."""
        return dict(self)


def run_query(sql: str) -> Rows | list[Row]:
    """Return one example line of the seed that the query reads."""
    if "vr_functions" in sql:
        return [Row(vr="CS", keep_code="accepted")]
    if "confidentiality_profile" in sql:
        return [Row(keyword="PatientName", basic_action="Z")]
    if "quasi_identifiers" in sql:
        return Rows([("devices", "modality", None), ("series", "modality", None)])
    if "surrogate_key_mapping" in sql:
        return Rows([(1, "key_patient_id", True)])
    return Rows([("modality", "Modality", "text", "1", "keep_code", True, "CS", "", "")])


def load_relation(_relation: object) -> None:
    """Report that no table exists."""


def env_var(_name: str, default: str = "") -> str:
    """Return the default."""
    return default


def local_md5(_text: str) -> str:
    """Return a constant."""
    return "0"


@jinja2.pass_context
def _dispatch(context: jinja2.runtime.Context, name: str) -> Callable[..., str]:
    macro: Callable[..., str] = context[f"default__{name}"]
    return macro


class Nodes(dict[str, object]):
    """Nodes of the manifest: every model exists, and describes no column."""

    def __missing__(self, name: str) -> object:
        """Return a model without columns."""
        return SimpleNamespace(columns={})


graph = SimpleNamespace(nodes=Nodes())
adapter = SimpleNamespace(dispatch=_dispatch)
api = SimpleNamespace(Relation=SimpleNamespace(create=lambda **_: None))


def datediff(first_date: str, second_date: str, datepart: str) -> str:
    """Return the call as DuckDB has it."""
    return f"date_diff('{datepart}', {first_date}, {second_date})"


def listagg(measure: str, delimiter_text: str, order_by_clause: str) -> str:
    """Return the call as DuckDB has it."""
    return f"string_agg({measure}, {delimiter_text} {order_by_clause})"
