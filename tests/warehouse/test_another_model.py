"""A model that somebody adds to the project behaves as dbt documents it."""

from pathlib import Path

from .conftest import Warehouse

MODEL = """
{{ config(materialized='incremental', unique_key='visit') }}

{% if is_incremental() %}
select 2 as visit, 'second build' as note union all
select 3 as visit, 'second build' as note
{% else %}
select 1 as visit, 'first build' as note union all
select 2 as visit, 'first build' as note
{% endif %}
"""


def test_a_new_incremental_model_keeps_the_rows_of_its_first_build(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    warehouse.create()
    (warehouse.project / "models" / "processed" / "hospital_visits.sql").write_text(MODEL)
    for _ in range(2):
        done = warehouse.dbt("run", "--select", "hospital_visits")
        assert done.returncode == 0, done.stdout
    assert warehouse.rows("from processed.hospital_visits order by visit") == [
        {"visit": 1, "note": "first build"},
        {"visit": 2, "note": "second build"},
        {"visit": 3, "note": "second build"},
    ]
