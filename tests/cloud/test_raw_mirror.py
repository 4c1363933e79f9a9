"""Raw zone in a bucket: the bucket is authoritative, and a write never overwrites unseen data."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dicom_pipeline.common.errors import StorageUnavailable, WriteConflict
from dicom_pipeline.common.locks import LockUnavailable
from dicom_pipeline.config.locations import S3Location
from dicom_pipeline.extract.raw_zone.s3_mirror import RawMirror
from dicom_pipeline.landing.manifest import ManifestRow, ManifestStore, now
from dicom_pipeline.landing.s3 import conditional_writes as conditional
from dicom_pipeline.landing.s3 import lease
from dicom_pipeline.landing.s3.lease import LOCK_NAME
from dicom_pipeline.landing.storage import FileVersion
from tests.cloud.front import Answer, Front


@pytest.fixture
def place(bucket: str) -> S3Location:
    return S3Location(bucket, "raw/")


class Machine:
    """A machine with a local copy of the zone."""

    def __init__(self, place: S3Location, folder: Path, **options: Any) -> None:
        self.place, self.root, self.options = place, folder / "raw-mirror", options

    def mirror(self) -> RawMirror:
        """Return a mirror as a new process creates it."""
        return RawMirror(self.place, self.root, **self.options)

    def write(self, **files: bytes) -> None:
        mirror = self.mirror()
        with mirror.held():
            for name, data in files.items():
                mirror.write(self.root / name.replace("__", "/"), data)

    def pull(self) -> int:
        mirror = self.mirror()
        with mirror.held():
            return mirror.pull()

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def here(place: S3Location, tmp_path: Path) -> Machine:
    return Machine(place, tmp_path / "here")


@pytest.fixture
def there(place: S3Location, tmp_path: Path) -> Machine:
    return Machine(place, tmp_path / "there")


def objects(plain: Any, place: S3Location) -> dict[str, bytes]:
    """Return the objects in the bucket, read without the code of the package."""
    found = {}
    for entry in plain.list_objects_v2(Bucket=place.bucket, Prefix=place.prefix).get(
        "Contents", ()
    ):
        body = plain.get_object(Bucket=place.bucket, Key=entry["Key"])["Body"].read()
        found[entry["Key"].removeprefix(place.prefix)] = body
    found.pop(LOCK_NAME, None)
    return found


def test_a_machine_sees_what_another_machine_wrote_before(
    here: Machine, there: Machine, plain: Any, place: S3Location
) -> None:
    here.write(a=b"1", folder__b=b"2")
    assert objects(plain, place) == here.files() == {"a": b"1", "folder/b": b"2"}
    assert there.pull() == 0, "it was all there when the lock was taken"
    assert there.files() == here.files()
    there.write(a=b"changed")
    mirror = there.mirror()
    with mirror.held():
        mirror.remove(there.root / "folder")
        mirror.remove(there.root / "never there")
    with here.mirror().held():
        assert here.files() == there.files() == objects(plain, place) == {"a": b"changed"}
    assert not (here.root / "folder").exists(), "an empty folder would be a partition"


def test_only_the_owner_can_read_the_copy(here: Machine) -> None:
    here.write(folder__a=b"1")
    assert here.root.stat().st_mode & 0o777 == 0o700
    for path in [*here.root.rglob("*"), here.root.with_name("raw-mirror.jsonl")]:
        assert path.stat().st_mode & 0o077 == 0, path


def test_an_unchanged_zone_is_neither_listed_nor_downloaded(
    here: Machine, there: Machine, front: Front
) -> None:
    here.write(**{f"file{number}": b"x" for number in range(20)})
    there.pull()
    for machine in (here, there, here):
        front.clear()
        with machine.mirror().held():
            pass
        assert [request.method for request in front.log] == ["GET", "PUT", "PUT"]
        assert all(LOCK_NAME in request.path for request in front.log)


@pytest.mark.parametrize("damage", ["removed", "shorter", "older record", "no record", "garbage"])
def test_a_corrupt_copy_is_repaired(here: Machine, damage: str) -> None:
    here.write(a=b"1")
    record = here.root.with_name("raw-mirror.jsonl")
    before = record.read_bytes()
    here.write(a=b"22", b=b"3")
    if damage == "removed":
        (here.root / "a").unlink()
    elif damage == "shorter":
        (here.root / "a").write_bytes(b"2")
    elif damage == "older record":
        record.write_bytes(before)
    elif damage == "no record":
        record.unlink()
    else:
        record.write_bytes(record.read_bytes()[:-9])
        (here.root / "stray").write_bytes(b"x")
        (here.root / ".a.123.tmp").write_bytes(b"x")
    here.pull()
    assert here.files() == {"a": b"22", "b": b"3"}


def test_a_copy_of_another_location_is_replaced(here: Machine, bucket: str, plain: Any) -> None:
    here.write(a=b"1")
    plain.put_object(Bucket=bucket, Key="other/b", Body=b"2")
    other = Machine(S3Location(bucket, "other/"), here.root.parent)
    other.pull()
    assert other.files() == {"b": b"2"}


@pytest.mark.parametrize("who", ["overwrote", "made", "removed"])
def test_overwriting_a_concurrent_change_is_refused(
    here: Machine, plain: Any, place: S3Location, who: str
) -> None:
    here.write(a=b"1")
    mirror = here.mirror()
    name = "new" if who == "made" else "a"
    with pytest.raises(WriteConflict, match="another writer"), mirror.held():
        if who == "removed":
            plain.delete_object(Bucket=place.bucket, Key=f"{place.prefix}{name}")
        else:
            plain.put_object(Bucket=place.bucket, Key=f"{place.prefix}{name}", Body=b"theirs")
        mirror.write(here.root / name, b"ours")
    assert b"ours" not in objects(plain, place).values()
    assert b"ours" not in here.files().values()
    here.pull()  # the next run starts from the content of the bucket
    assert here.files() == objects(plain, place)
    here.write(**{name: b"ours"})
    assert objects(plain, place)[name] == b"ours"


def test_an_object_that_another_writer_changed_is_not_removed(
    here: Machine, plain: Any, place: S3Location
) -> None:
    here.write(a=b"1")
    mirror = here.mirror()
    with pytest.raises(WriteConflict), mirror.held():
        plain.put_object(Bucket=place.bucket, Key=f"{place.prefix}a", Body=b"theirs")
        mirror.remove(here.root / "a")
    assert objects(plain, place) == {"a": b"theirs"}


def test_a_repeated_write_does_not_conflict_with_itself(
    here: Machine, plain: Any, place: S3Location, front: Front
) -> None:
    here.write(a=b"1")
    lost = ["lost"]

    def rule(method: str, path: str) -> str | None:
        return lost.pop() if lost and method == "PUT" and "raw/a" in path else None

    front.rule = rule
    here.write(a=b"2")
    assert not lost
    assert front.count("PUT", "raw/a") == 2, "boto3 sent it again"
    assert objects(plain, place) == here.files() == {"a": b"2"}


@pytest.mark.parametrize("moment", ["before the copy", "before the record"])
def test_the_copy_is_repaired_after_a_process_was_killed_during_a_write(
    here: Machine, there: Machine, plain: Any, place: S3Location, moment: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    here.write(a=b"1")
    code = """
import os, signal, sys
from pathlib import Path
from dicom_pipeline.extract.raw_zone import s3_mirror as raw_mirror
from dicom_pipeline.config.locations import S3Location
mirror = raw_mirror.RawMirror(S3Location(sys.argv[1], sys.argv[2]), Path(sys.argv[3]))
real = raw_mirror.write_atomic
def die(path, data):
    if path.name != "a":
        return real(path, data)
    if sys.argv[4] == "before the record":
        real(path, data)
    os.kill(os.getpid(), signal.SIGKILL)
with mirror.held():
    raw_mirror.write_atomic = die
    mirror.write(mirror.root / "a", b"2")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, place.bucket, place.prefix, str(here.root), moment],
        check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert objects(plain, place) == {"a": b"2"}
    with pytest.raises(LockUnavailable), here.mirror().held(wait=False):
        pass  # the killed process still holds the lock until it expires
    body = plain.get_object(Bucket=place.bucket, Key=f"{place.prefix}{LOCK_NAME}")["Body"].read()
    plain.put_object(
        Bucket=place.bucket, Key=f"{place.prefix}{LOCK_NAME}",
        Body=body.replace(b'"seconds": 120.0', b'"seconds": 0.5'),
    )  # fmt: skip
    time.sleep(2.1)
    for machine in (here, there):
        machine.pull()
        assert machine.files() == {"a": b"2"}


def test_a_large_file_is_uploaded_in_parts_with_the_same_conditions(
    place: S3Location, tmp_path: Path, plain: Any, front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditional, "PART", 5 << 20)
    machine = Machine(place, tmp_path, largest_put=6 << 20, kms_key="key-1")
    small, large = os.urandom(6 << 20), os.urandom(11 << 20)
    machine.write(small=small, large=large)
    assert front.count("PUT", "partNumber") == 3
    assert objects(plain, place) == machine.files() == {"small": small, "large": large}
    mirror = machine.mirror()
    with pytest.raises(WriteConflict), mirror.held():
        plain.put_object(Bucket=place.bucket, Key=f"{place.prefix}large", Body=b"theirs")
        mirror.write(machine.root / "large", large)
    assert objects(plain, place)["large"] == b"theirs"
    assert not plain.list_multipart_uploads(Bucket=place.bucket).get("Uploads")
    machine.write(large=large)
    for name in ("small", "large", LOCK_NAME):
        head = plain.head_object(Bucket=place.bucket, Key=f"{place.prefix}{name}")
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "key-1")


def test_a_versioned_bucket_works_and_retains_the_versions(
    here: Machine, there: Machine, plain: Any, place: S3Location
) -> None:
    plain.put_bucket_versioning(Bucket=place.bucket, VersioningConfiguration={"Status": "Enabled"})
    here.write(a=b"1")
    here.write(a=b"2")
    mirror = there.mirror()
    with mirror.held():
        assert there.files() == {"a": b"2"}
        mirror.remove(there.root / "a")
    here.write(a=b"3")
    assert objects(plain, place) == here.files() == {"a": b"3"}
    versions = plain.list_object_versions(Bucket=place.bucket, Prefix=f"{place.prefix}a")
    assert len(versions["Versions"]) == 3


def test_foreign_objects_are_not_changed(here: Machine, plain: Any, place: S3Location) -> None:
    foreign = ["", "../../escape", "folder/", "a//b", "with blank", ".hidden", "/absolute"]
    for name in foreign:
        plain.put_object(Bucket=place.bucket, Key=place.prefix + name, Body=b"x")
    here.write(a=b"1")
    here.pull()
    assert here.files() == {"a": b"1"}
    assert set(objects(plain, place)) == {*foreign, "a"}
    assert not list(here.root.parent.parent.glob("escape"))


def test_two_machines_do_not_write_concurrently(here: Machine, there: Machine) -> None:
    counter = here.root / "count"
    here.write(count=b"0")

    def add(machine: Machine) -> None:
        for _ in range(5):
            mirror = machine.mirror()
            with mirror.held():
                value = int((machine.root / "count").read_bytes())
                mirror.write(machine.root / "count", b"%d" % (value + 1))

    threads = [threading.Thread(target=add, args=[machine]) for machine in (here, there)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    here.pull()
    assert counter.read_bytes() == b"10"


def test_locking_without_waiting_fails_while_another_machine_writes(
    here: Machine, there: Machine
) -> None:
    with (
        here.mirror().held(),
        pytest.raises(LockUnavailable, match="another machine"),
        there.mirror().held(wait=False),
    ):
        pass
    with there.mirror().held(wait=False):
        pass


def test_a_lock_is_renewed_while_it_is_held(here: Machine, there: Machine) -> None:
    mirror = here.mirror()
    mirror.lease._seconds = 2.0
    with mirror.held():
        time.sleep(4.5)
        with pytest.raises(LockUnavailable), there.mirror().held(wait=False):
            pass
        mirror.write(here.root / "a", b"1")


def test_a_writer_that_lost_the_lock_writes_nothing(
    here: Machine, there: Machine, plain: Any, place: S3Location, front: Front
) -> None:
    slow = here.mirror()
    slow.lease._seconds = 2.0
    with pytest.raises(WriteConflict, match="took over"), slow.held():
        front.rule = lambda method, path: (
            Answer(403, "AccessDenied") if method == "PUT" and LOCK_NAME in path else None
        )
        time.sleep(4.0)
        front.rule = lambda method, path: None
        slow.lease._ended.set()  # as if the machine was suspended
        there.write(a=b"theirs")
        slow.write(here.root / "a", b"ours")
    assert objects(plain, place) == {"a": b"theirs"}
    here.pull()
    assert here.files() == {"a": b"theirs"}


def test_without_the_lock_nothing_is_written(here: Machine, front: Front) -> None:
    mirror = here.mirror()
    mirror.pull()
    with pytest.raises(WriteConflict):
        mirror.write(here.root / "a", b"1")
    assert not front.count("PUT")


def test_a_refused_write_leaves_no_copy_and_the_next_run_recovers(
    here: Machine, plain: Any, place: S3Location, front: Front
) -> None:
    here.write(a=b"1")
    front.rule = lambda method, path: (
        Answer(403, "AccessDenied") if method == "PUT" and path.endswith("/b") else None
    )
    mirror = here.mirror()
    with pytest.raises(StorageUnavailable, match="cannot be written"), mirror.held():
        mirror.write_all([(here.root / name, b"2") for name in "abc"])
    assert "b" not in objects(plain, place)
    assert "b" not in here.files()
    front.clear()
    here.pull()
    assert here.files() == objects(plain, place)


def test_manifests_in_a_bucket_equal_those_that_were_written(here: Machine, there: Machine) -> None:
    row = ManifestRow(FileVersion("a", 1, None, "e"), "2012-03-04", True, now())
    mirror = here.mirror()
    with mirror.held():
        ManifestStore(here.root, mirror).write("2012-03", [row])
    mirror = there.mirror()
    with mirror.held():
        store = ManifestStore(there.root, mirror)
        assert store.read("2012-03") == [row]
        store.remove("2012-03")
    with here.mirror().held():
        assert ManifestStore(here.root).periods() == []


def test_the_lock_expires_by_the_servers_clock(
    here: Machine, there: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with here.mirror().held():
        # a machine whose own clock is a year ahead
        real = time.time
        monkeypatch.setattr(lease.time, "time", lambda: real() + 3e7)
        with pytest.raises(LockUnavailable), there.mirror().held(wait=False):
            pass


def test_what_a_dead_writer_wrote_is_seen_by_the_next_one(here: Machine, there: Machine) -> None:
    here.write(a=b"1")
    there.pull()
    dead = here.mirror()
    dead.lease._seconds = 1.0
    held = dead.held()
    held.__enter__()
    dead.write(here.root / "b", b"2")
    dead.lease._ended.set()  # its process is killed: nobody renews or releases the lease
    time.sleep(1.5)
    with there.mirror().held():
        assert there.files() == {"a": b"1", "b": b"2"}
