"""The key: where it is found, when it is refused, and what is derived from it."""

import base64
import contextlib
from pathlib import Path

import duckdb
import pytest

from dicom_pipeline.warehouse.vault import (
    Secret,
    VaultError,
    hkdf_sha256,
    keyed_hash,
    load_or_create_secret,
    vault_path,
    write_vault,
)

from .conftest import KEY
from .oracle import Oracle, hkdf

OTHER_KEY = bytes(range(100, 140))


def load(directory: Path, key: str | None = None, *, may_create: bool = False) -> Secret:
    return load_or_create_secret(
        warehouse_dir=directory, key=key, key_file=None, may_create=may_create
    )


def test_hkdf_gives_the_output_of_rfc_5869_case_1() -> None:
    output = hkdf_sha256(
        b"\x0b" * 22, salt=bytes(range(13)), info=bytes(range(0xF0, 0xFA)), length=42
    )
    assert output.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )


def test_what_is_derived_is_what_the_oracle_derives(tmp_path: Path) -> None:
    secret, oracle = load(tmp_path, KEY.hex()), Oracle(KEY)
    assert (secret.ki, secret.ko, secret.key_id) == (oracle.ki, oracle.ko, hkdf(KEY, "key_id", 8))
    assert keyed_hash(secret, "PatientID", "Ägidius") == oracle.hash("PatientID", "Ägidius")


def test_a_key_may_be_hex_or_base64_and_is_the_same_secret(tmp_path: Path) -> None:
    assert load(tmp_path, KEY.hex().upper()) == load(tmp_path, base64.b64encode(KEY).decode())


def test_the_secret_shows_nothing_but_its_id(tmp_path: Path) -> None:
    secret = load(tmp_path, KEY.hex())
    assert repr(secret) == f"Secret(key_id='{secret.key_id}')"


@pytest.mark.parametrize(
    "key",
    ["", "secret", "00" * 32, KEY.hex()[:-1], KEY.hex()[:-4], base64.b64encode(KEY[:31]).decode()],
)
def test_a_weak_or_malformed_key_is_refused_without_being_quoted(tmp_path: Path, key: str) -> None:
    with pytest.raises(VaultError, match="DICOM_PSEUDONYM_KEY_FILE") as error:
        load(tmp_path, key)
    assert not key or key not in str(error.value)
    assert error.value.__cause__ is None


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    directory = tmp_path / "warehouse"
    made = load(directory, may_create=True)
    assert load(directory) == load(directory, may_create=True) == made
    assert (directory / "pseudonym.key").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_keys_are_looked_for_in_the_text_then_the_given_file_then_the_own_one(
    tmp_path: Path,
) -> None:
    own = load(tmp_path, may_create=True)
    given = tmp_path / "given"
    given.write_text(OTHER_KEY.hex() + "\n")

    def find(key: str | None, key_file: Path | None) -> Secret:
        return load_or_create_secret(
            warehouse_dir=tmp_path, key=key, key_file=key_file, may_create=False
        )

    assert find(None, None) == own
    assert find(None, given) == load(tmp_path, OTHER_KEY.hex())
    assert find(KEY.hex(), given) == load(tmp_path, KEY.hex())
    with pytest.raises(VaultError, match="cannot be read"):
        find(None, tmp_path / "missing")


def test_a_missing_key_is_not_made_when_there_is_something_built(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="rotate-key"):
        load(tmp_path)
    write_vault(load(tmp_path, KEY.hex()), tmp_path)
    with pytest.raises(VaultError, match="rotate-key"):
        load(tmp_path, may_create=True)
    assert not (tmp_path / "pseudonym.key").exists()


def test_another_key_than_the_vaults_is_refused(tmp_path: Path) -> None:
    write_vault(load(tmp_path, KEY.hex()), tmp_path)
    with pytest.raises(VaultError, match="rotate-key"):
        load(tmp_path, OTHER_KEY.hex())


def test_the_vault_holds_the_derived_keys_and_is_written_once(tmp_path: Path) -> None:
    secret = load(tmp_path, KEY.hex())
    path = write_vault(secret, tmp_path)
    written = path.stat()
    assert write_vault(secret, tmp_path) == path == vault_path(tmp_path)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert written.st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["vault.duckdb"]
    with contextlib.closing(duckdb.connect(str(path), read_only=True)) as connection:
        rows = connection.execute("select key_id, ki, ko from main.keys").fetchall()
    assert rows == [(secret.key_id, secret.ki, secret.ko)]
