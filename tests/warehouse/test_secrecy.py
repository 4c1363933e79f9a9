"""No file that dbt writes contains the key or an identifier."""

import base64
from pathlib import Path

import pytest

from .conftest import KEY, Warehouse
from .oracle import Oracle

ORACLE = Oracle(KEY)
SECRETS = {
    "key": [KEY, KEY.hex().encode(), base64.b64encode(KEY)],
    "ki": [ORACLE.ki.encode(), bytes.fromhex(ORACLE.ki)],
    "ko": [ORACLE.ko.encode(), bytes.fromhex(ORACLE.ko)],
}
IDENTIFIERS = [
    "MRN-4711",
    "Habermann",
    "CLINIC",
    "1.2.840.1.1",
    "SN-0815",
    "Holy Ghost",
    "ROOM3",
    "2012-03",
]


def written_by_dbt(warehouse: Warehouse) -> list[Path]:
    folders = [warehouse.root / "target", warehouse.root / "logs"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "dbt.log" for path in files)
    assert any(path.name == "manifest.json" for path in files)
    return [*files, warehouse.database]


@pytest.mark.parametrize("name", SECRETS)
def test_the_key_is_in_no_file_and_no_output(built: tuple[Warehouse, str], name: str) -> None:
    warehouse, printed = built
    texts = {path: path.read_bytes() for path in written_by_dbt(warehouse)}
    texts[Path("stdout")] = printed.encode()
    assert [path for path, text in texts.items() for part in SECRETS[name] if part in text] == []


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_no_identifier_is_in_a_table_a_log_or_an_artifact(
    built: tuple[Warehouse, str], identifier: str
) -> None:
    warehouse, printed = built
    texts = {
        str(path): path.read_bytes().decode(errors="replace") for path in written_by_dbt(warehouse)
    }
    content = warehouse.content(helpers=True)
    assert "private.cleaned_texts" in content
    texts |= {name: "\n".join(rows) for name, rows in content.items()}
    texts["stdout"] = printed
    assert [name for name, text in texts.items() if identifier in text] == []
