"""The key: sources, validation, replacement and derivation."""

import base64
import contextlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dicom_pipeline.deid.keys import Secret, VaultError, derive, hkdf_sha256, keyed_hash
from dicom_pipeline.warehouse import vault
from dicom_pipeline.warehouse.vault import (
    known_key_id,
    load_or_create_secret,
    replace_key,
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


def test_derived_keys_equal_those_of_the_oracle(tmp_path: Path) -> None:
    secret, oracle = load(tmp_path, KEY.hex()), Oracle(KEY)
    assert (secret.ki, secret.ko, secret.key_id) == (oracle.ki, oracle.ko, hkdf(KEY, "key_id", 8))
    assert keyed_hash(secret, "PatientID", "Ägidius") == oracle.hash("PatientID", "Ägidius")


def test_a_key_may_be_hex_or_base64_and_is_the_same_secret(tmp_path: Path) -> None:
    assert load(tmp_path, KEY.hex().upper()) == load(tmp_path, base64.b64encode(KEY).decode())


def test_repr_and_str_of_the_secret_show_only_its_id(tmp_path: Path) -> None:
    secret = load(tmp_path, KEY.hex())
    assert repr(secret) == f"Secret(key_id='{secret.key_id}')"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "secret",
        "00" * 32,
        KEY.hex()[:-1],
        KEY.hex()[:-4],
        base64.b64encode(KEY[:31]).decode(),
        KEY[:16].hex() * 2,  # 16 bytes, twice
        KEY[:20].hex() * 3,
        base64.b64encode(b"the quick brown fox jumps over the lazy dog").decode(),
        "the quick brown fox jumps over the lazy dog!",
        KEY.hex() + " " + KEY.hex(),
        KEY.hex() + "\u0660",
    ],
)
def test_a_weak_or_malformed_key_is_refused_without_being_quoted(tmp_path: Path, key: str) -> None:
    with pytest.raises(VaultError, match="DICOM_PSEUDONYM_KEY_FILE") as error:
        load(tmp_path, key)
    assert not key or key not in str(error.value)
    assert error.value.__cause__ is None


def test_a_key_is_created_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    directory = tmp_path / "warehouse"
    made = load(directory, may_create=True)
    assert load(directory) == load(directory, may_create=True) == made
    assert (directory / "pseudonym.key").stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_the_key_is_taken_from_the_text_the_given_file_or_the_own_file_in_this_order(
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


def test_a_missing_key_is_not_created_if_tables_exist(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="rotate-key"):
        load(tmp_path)
    write_vault(load(tmp_path, KEY.hex()), tmp_path)
    with pytest.raises(VaultError, match="rotate-key"):
        load(tmp_path, may_create=True)
    assert not (tmp_path / "pseudonym.key").exists()


@pytest.mark.parametrize("names", [["vault.duckdb"], ["vault.duckdb", "pseudonym.key"]])
def test_the_message_about_a_missing_key_names_an_existing_command(
    tmp_path: Path, names: list[str]
) -> None:
    load(tmp_path, may_create=True)
    write_vault(load(tmp_path, KEY.hex()), tmp_path)
    if "pseudonym.key" not in names:
        (tmp_path / "pseudonym.key").unlink()
    with pytest.raises(VaultError, match="`dicom-pipeline rotate-key`") as error:
        load(tmp_path, may_create=True)
    assert "planned" not in str(error.value)


def test_an_unreadable_vault_is_reported_and_not_treated_as_missing(tmp_path: Path) -> None:
    vault_path(tmp_path).write_bytes(b"no database")
    with pytest.raises(VaultError, match=r"vault\.duckdb"):
        load(tmp_path, may_create=True)
    assert not (tmp_path / "pseudonym.key").exists()


@pytest.mark.parametrize("lost", [False, True])
def test_a_key_is_replaced_in_its_file_and_in_the_vault(tmp_path: Path, lost: bool) -> None:
    old = load(tmp_path, may_create=True)
    write_vault(old, tmp_path)
    if lost:
        (tmp_path / "pseudonym.key").unlink()
    new = replace_key(f" {KEY.hex()}\n", tmp_path)
    assert new == derive(KEY.hex()) == load(tmp_path)
    assert known_key_id(tmp_path) == new.key_id != old.key_id
    assert (tmp_path / "pseudonym.key").read_text() == KEY.hex() + "\n"
    assert {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {
        "pseudonym.key": 0o600, "vault.duckdb": 0o600,
    }  # fmt: skip


def test_a_weak_key_is_refused_as_a_replacement(tmp_path: Path) -> None:
    old = load(tmp_path, may_create=True)
    write_vault(old, tmp_path)
    with pytest.raises(VaultError):
        replace_key("00" * 32, tmp_path)
    assert load(tmp_path) == old
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pseudonym.key", "vault.duckdb"]


def die(*arguments: Any) -> None:
    raise KeyboardInterrupt


def test_after_a_kill_before_the_vault_is_replaced_the_old_key_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = load(tmp_path, may_create=True)
    write_vault(old, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(vault, "write_vault", die)
        with pytest.raises(KeyboardInterrupt):
            replace_key(KEY.hex(), tmp_path)
    assert load(tmp_path) == old
    # the next rotation uses another key; the unused key of the killed one is discarded
    assert replace_key(OTHER_KEY.hex(), tmp_path) == load(tmp_path)
    texts = [file.read_bytes() for file in tmp_path.iterdir()]
    assert not any(KEY.hex().encode() in text for text in texts)


def test_after_a_kill_after_the_vault_is_replaced_the_new_key_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_vault(load(tmp_path, may_create=True), tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(vault, "_finish_replacing", die)
        with pytest.raises(KeyboardInterrupt):
            replace_key(KEY.hex(), tmp_path)
    assert load(tmp_path) == derive(KEY.hex())
    assert (tmp_path / "pseudonym.key").read_text() == KEY.hex() + "\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["pseudonym.key", "vault.duckdb"]


def test_a_key_other_than_that_of_the_vault_is_refused(tmp_path: Path) -> None:
    write_vault(load(tmp_path, KEY.hex()), tmp_path)
    with pytest.raises(VaultError, match="rotate-key"):
        load(tmp_path, OTHER_KEY.hex())


def test_the_vault_stores_the_derived_keys_and_is_written_once(tmp_path: Path) -> None:
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
