"""Keys computed by SQL from raw rows equal those computed by Python and by the oracle."""

from __future__ import annotations

from itertools import product

import duckdb
import pytest

from dicom_pipeline.deid.keys import derive
from dicom_pipeline.deid.pseudonyms import Pseudonyms

from .conftest import KEY
from .oracle import Oracle

SECRET = derive(KEY.hex())
PSEUDONYMS = Pseudonyms(SECRET)
COLUMNS = {
    "image_key": ("key_sop",),
    "series_key": ("key_series",),
    "study_key": ("key_study",),
    "patient_key": ("key_patient_id", "key_issuer_of_patient_id", "key_study"),
    "device_key": ("key_manufacturer", "key_manufacturer_model_name", "key_device_serial_number",
                   "key_station_name", "key_institution_name"),
}  # fmt: skip
VALUES = (None, "1.2.3", "Zoë \U0001f600 'x'")


@pytest.mark.parametrize("name", COLUMNS)
def test_a_key_is_the_same_in_sql(name: str) -> None:
    columns = COLUMNS[name]
    with duckdb.connect() as connection:
        connection.execute("create table secret as select ? as ki, ? as ko", [SECRET.ki, SECRET.ko])
        connection.execute(f"create table raw ({', '.join(f'{c} varchar' for c in columns)})")
        rows = list(product(VALUES, repeat=len(columns)))
        connection.executemany(f"insert into raw values ({', '.join('?' * len(columns))})", rows)
        found = connection.execute(
            f"select {', '.join(columns)}, {PSEUDONYMS.entity_key_sql(name)} from raw, secret"
        ).fetchall()
    assert len(found) == len(VALUES) ** len(columns)
    for *values, key in found:
        assert key == PSEUDONYMS.entity_key(name, dict(zip(columns, values, strict=True)))
    if len(columns) == 1:
        assert dict(found)["1.2.3"] == Oracle(KEY).key(name, "1.2.3")
