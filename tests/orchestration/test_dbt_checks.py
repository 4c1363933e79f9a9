"""Texts of the checks of dbt tests: from `config: meta:` of the test, or by its kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dicom_pipeline.orchestration.assets.dbt_events import compilation_errors
from dicom_pipeline.orchestration.checks.dbt_checks import check_texts


def node(kind: str, table: str = "processed_studies", **more: Any) -> dict[str, Any]:
    """A generic test as it appears in dbt's manifest."""
    kwargs = {"arguments": more.pop("arguments", {})}
    return {
        "description": "",
        "config": {"meta": {}},
        "test_metadata": {"name": kind, "kwargs": kwargs},
        "attached_node": f"model.dicom_pipeline.{table}",
        "column_name": "patient_size",
        "depends_on": {"nodes": [f"model.dicom_pipeline.{table}"]},
        **more,
    }


def test_a_test_may_say_itself_what_it_checks_and_what_to_do_when_it_fails() -> None:
    texts = check_texts(
        node(
            "expression_is_true",
            description="Each study\nhas one patient.",
            config={"meta": {"if_it_fails": "Ask the\nsender."}},
        )
    )
    assert texts == ("Each study has one patient.", "Ask the sender.")
    assert str(texts) == "Each study has one patient.\n\n**If it fails:** Ask the sender."


def test_a_test_that_says_nothing_has_the_texts_of_its_kind() -> None:
    texts = check_texts(node("accepted_range", arguments={"min_value": 0.1, "max_value": 2.6}))
    assert texts.description == "`patient_size` is plausible: from 0.1 to 2.6, or empty."
    assert '`select * from processed.processed_studies where "patient_size" not' in (
        texts.if_it_fails
    )
    combination = node(
        "unique_combination_of_columns", arguments={"combination_of_columns": ["a", "b"]}
    )
    assert check_texts(combination).description == "No two rows have the same `a` and `b`."


def test_a_kind_without_texts_has_none() -> None:
    assert str(check_texts(node("of_somebody_else"))) == ""


def test_every_kind_of_test_in_the_project_has_texts(request: Any) -> None:
    kinds = (request.config.rootpath / "dbt_snowflake/macros/generic_tests").glob("*.sql")
    names = [path.stem for path in kinds]
    assert len(names) == 4
    assert all(check_texts(node(name)).if_it_fails for name in names)


def test_an_error_of_compilation_is_one_line_and_errors_of_the_database_are_not_quoted(
    tmp_path: Path,
) -> None:
    assert compilation_errors(tmp_path) == []
    messages = [
        "Compilation Error in model uniqueness (models/processed/uniqueness.sql)\n"
        "  quasi_identifiers, patients.shoe_size: no such column\n  \n  > in macro x (x.sql)",
        "Runtime Error in model visits (models/visits.sql)\n  Conversion Error: 'Habermann'",
        "CREATE 1",
        None,
    ]
    results = {"results": [{"message": message} for message in messages]}
    (tmp_path / "run_results.json").write_text(json.dumps(results))
    assert compilation_errors(tmp_path) == [
        "quasi_identifiers, patients.shoe_size: no such column (dbt model uniqueness)"
    ]
