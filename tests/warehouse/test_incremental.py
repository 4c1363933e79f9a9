"""After any change, an incremental build gives the same tables as a full refresh."""

import shutil

import pytest

from .archive import LATER, MARCH, MAY, PERIODS, file
from .conftest import Warehouse


@pytest.fixture
def copied(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    root = tmp_path_factory.mktemp("incremental")
    shutil.copytree(warehouse.root, root, dirs_exist_ok=True)
    return Warehouse(root)


def test_successive_incremental_builds_equal_a_full_refresh(copied: Warehouse) -> None:
    march, may = PERIODS["2012-03"], PERIODS["2012-05"]
    twice = [one for one in march if one["SOPInstanceUID"].endswith(".twice")]
    others = [one for one in march if one not in twice]
    steps = {
        "a file moves to another month, one is gone, another comes": {
            "2012-03": march[1:],
            "2012-05": [march[0], *may[1:], file("4", "1", 9, **MAY)],
        },
        # of an image with several contents, the selected one is deleted, then in another month
        "the winner is gone": {"2012-03": others},
        "a new month has the winner, and a new name of a known patient": {
            "2013-01": [*twice, file("9", "1", 1, **MARCH, **LATER, PatientName="Brain^Axial")]
        },
        "the first state again": {"2012-03": march, "2012-05": may},
    }
    for changes in steps.values():
        for period, files in changes.items():
            copied.raw.write(period, files)
        copied.build()
    copied.raw.remove("1994")
    copied.build()
    step_by_step = copied.content()
    done = copied.dbt("build", "--full-refresh")
    assert done.returncode == 0, done.stdout
    assert copied.content() == step_by_step


def test_a_table_with_other_columns_or_types_is_replaced_without_a_cast(copied: Warehouse) -> None:
    built = copied.content()
    copied.execute("alter table processed.processed_images drop column model_version")
    copied.execute("alter table stage.staged_devices alter file_count type varchar")
    copied.execute("alter table stage.staged_series drop column stage_version")
    copied.build()
    assert copied.content() == built
