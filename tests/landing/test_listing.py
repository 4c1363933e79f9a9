"""Every file in the landing zone is listed, ignored or too recent; `find` gives the same count."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom_pipeline.landing.directory import DirectoryStorage
from dicom_pipeline.landing.storage import Ignored, decode_path, encode_path


def found_by_find(root: Path, *options: str) -> list[bytes]:
    command = ["find", *options, os.fspath(root), "-mindepth", "1", "!", "-type", "d", "-print0"]
    names = subprocess.run(command, capture_output=True, check=False).stdout.split(b"\0")[:-1]
    return sorted(os.path.relpath(name, os.fsencode(root)) for name in names)


def listed(storage: DirectoryStorage) -> list[bytes]:
    listing = storage.list_landing()
    names = [*(file.path for file in listing.files), *listing.ignored, *listing.unsettled]
    assert len(names) == len(set(names))
    return sorted(os.fsencode(decode_path(name)) for name in names)


def counted(storage: DirectoryStorage) -> list[bytes]:
    return sorted(os.fsencode(decode_path(name)) for name in storage.count_files())


def put(root: Path, name: bytes) -> bytes:
    path = os.path.join(os.fsencode(root), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(name)
    return path


HARD_NAMES = [
    b"plain.dcm", b"with space", b" leading and trailing ", b"it's \"quoted\"", b"new\nline",
    b"tab\tand\rreturn", b"back\\slash", b"back\\x41slash", b"\xff\xfe not UTF-8", b"\\xff",
    b"a\xcc\x88 decomposed", "ä composed".encode(), "日本語".encode(), b"x" * 255,
    b"*?[]{}$;&|<>`", b"-rf", b"%s%n", b"study_period=1", b"null", b"d\xff/e\\f/g h/i\nj",
    b"..almost hidden", b"a.part.dcm",
]  # fmt: skip


@given(st.binary(max_size=40).filter(lambda name: b"\0" not in name))
def test_any_file_name_can_be_restored_from_its_stored_text(name: bytes) -> None:
    text = encode_path(os.fsdecode(name))
    text.encode("utf-8")
    assert os.fsencode(decode_path(text)) == name


@given(st.lists(st.binary(min_size=1, max_size=4), min_size=2, max_size=2, unique=True))
def test_different_names_have_different_stored_texts(names: list[bytes]) -> None:
    first, second = (encode_path(os.fsdecode(name)) for name in names)
    assert first != second


def test_files_with_unusual_names_are_listed_and_can_be_opened(tmp_path: Path) -> None:
    for name in HARD_NAMES:
        put(tmp_path, name)
    storage = DirectoryStorage(tmp_path)
    assert listed(storage) == counted(storage) == found_by_find(tmp_path)
    files = storage.list_landing().files
    assert len(files) == len(HARD_NAMES) - 1  # without the hidden one
    for file in files:
        opened = storage.open(file.path)
        assert opened.read_at(0, 1000) == os.fsencode(decode_path(file.path))
        opened.close()


def test_hidden_and_temporary_files_are_ignored_with_a_reason(tmp_path: Path) -> None:
    hidden = [".x", ".rsync.dcm.Ab12", "a/.y", ".folder/inside/z.dcm"]
    temporary = ["a.part", "b.PART", "c.tmp", "d.dcm.filepart", "e.crdownload", "f~", "a/g.swp"]
    for name in [*hidden, *temporary, "tmp.dcm", "part", "a.parts"]:
        put(tmp_path, name.encode())
    listing = DirectoryStorage(tmp_path).list_landing()
    assert sorted(file.path for file in listing.files) == ["a.parts", "part", "tmp.dcm"]
    assert {n for n, why in listing.ignored.items() if why is Ignored.HIDDEN} == set(hidden)
    assert {n for n, why in listing.ignored.items() if why is Ignored.TEMPORARY} == set(temporary)
    assert listing.complete


def test_a_tree_of_a_thousand_levels_is_listed(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    storage = DirectoryStorage(tmp_path)
    try:
        assert listed(storage) == counted(storage) == [b"d/" * 1000 + b"f"]
    finally:  # too deep for the cleanup of pytest
        subprocess.run(["rm", "-rf", os.fspath(tmp_path / "d")], check=True)


def make_links(root: Path) -> None:
    zone, outside = root / "zone", root / "outside"
    put(zone, b"a/file.dcm")
    put(outside, b"far.dcm")
    put(outside, b"deep/er.dcm")
    put(outside, b".hidden.dcm")
    for link, target in {
        "a/loop": "..",
        "self": "self",
        "ping": "pong",
        "pong": "ping",
        "broken": "nowhere",
        "inside": "a/file.dcm",
        "b_out": "../outside",
        "c_out_again": "../outside",
        "out.dcm": "../outside/far.dcm",
        "up": "..",
        "root": "/",
    }.items():
        (zone / link).symlink_to(target)
    (outside / "back").symlink_to(zone)
    (outside / "deep" / "round").symlink_to(outside)
    put(zone, b"zz/file.dcm")


def test_links_are_ignored_and_link_loops_end(tmp_path: Path) -> None:
    make_links(tmp_path)
    storage = DirectoryStorage(tmp_path / "zone")
    listing = storage.list_landing()
    assert [file.path for file in listing.files] == ["a/file.dcm", "zz/file.dcm"]
    assert listed(storage) == counted(storage) == found_by_find(tmp_path / "zone")
    broken = {name for name, why in listing.ignored.items() if why is Ignored.BROKEN_SYMLINK}
    assert broken == {"self", "ping", "pong", "broken"}
    assert listing.complete


def test_links_to_outside_are_each_followed_once_if_allowed(tmp_path: Path) -> None:
    make_links(tmp_path)
    storage = DirectoryStorage(tmp_path / "zone", follow_symlinks=True)
    listing = storage.list_landing()
    assert sorted(file.path for file in listing.files) == [
        "a/file.dcm", "b_out/deep/er.dcm", "b_out/far.dcm", "out.dcm", "zz/file.dcm",
    ]  # fmt: skip
    assert listing.ignored["c_out_again"] is Ignored.SYMLINK
    assert listing.ignored["root"] is listing.ignored["up"] is Ignored.SYMLINK
    assert listed(storage) == counted(storage)
    with_file = storage.open("b_out/deep/er.dcm")
    assert with_file.read_at(0, 99) == b"deep/er.dcm"
    with_file.close()


def make_hidden_store(zone: Path) -> None:
    """Create links to a hidden store, as git-annex does for each file, and to folders of it."""
    store = zone / ".git" / "annex" / "objects"
    (zone / "sub-01").mkdir()
    for number in range(3):
        put(store / f"a{number}" / f"key{number}", b"object")
        link = zone / "sub-01" / f"{number}.dcm"
        link.symlink_to(f"../.git/annex/objects/a{number}/key{number}/object")
    (zone / "sub-01" / "not_fetched.dcm").symlink_to("../.git/annex/objects/a9/key9/key9")
    (zone / "again.dcm").symlink_to("sub-01/0.dcm")
    put(zone / ".store" / "series", b"1.dcm")
    (zone / ".store" / "series" / "up").symlink_to(zone)
    (zone / ".store" / "series" / "round").symlink_to(zone / ".store")
    (zone / "series").symlink_to(".store/series")
    (zone / "other").symlink_to(".store/series")
    put(zone, b"plain.dcm")
    (zone / "to_plain.dcm").symlink_to("plain.dcm")


def test_links_into_a_hidden_store_are_followed_if_links_are(tmp_path: Path) -> None:
    make_hidden_store(tmp_path)
    storage = DirectoryStorage(tmp_path, follow_symlinks=True)
    listing = storage.list_landing()
    assert sorted(file.path for file in listing.files) == [
        "again.dcm", "other/1.dcm", "other/round/series/1.dcm", "plain.dcm",
        "sub-01/0.dcm", "sub-01/1.dcm", "sub-01/2.dcm",
    ]  # fmt: skip
    assert listing.ignored["sub-01/not_fetched.dcm"] is Ignored.BROKEN_SYMLINK
    assert listing.ignored["to_plain.dcm"] is Ignored.SYMLINK  # listed under its own name
    assert listed(storage) == counted(storage)
    assert listing.complete
    opened = storage.open("sub-01/0.dcm")
    assert opened.read_at(0, 99) == b"object"
    opened.close()
    ignored = DirectoryStorage(tmp_path).list_landing()
    assert [file.path for file in ignored.files] == ["plain.dcm"]


def test_a_link_loop_does_not_hide_files_beside_it_from_the_count(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for i in range(20):
        (tmp_path / f"loop{i}").symlink_to(f"loop{i}")
        (tmp_path / f"to_folder{i}").symlink_to("folder")
    storage = DirectoryStorage(tmp_path)
    assert len(counted(storage)) == 40
    assert listed(storage) == counted(storage) == found_by_find(tmp_path)


def test_a_fifo_is_not_a_file_and_opening_it_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    storage = DirectoryStorage(tmp_path)
    assert storage.list_landing().ignored == {"pipe.dcm": Ignored.SPECIAL}
    refused = []

    def open_it() -> None:
        with pytest.raises(OSError, match="not a regular file"):
            storage.open("pipe.dcm")
        refused.append(True)

    thread = threading.Thread(target=open_it, daemon=True)
    thread.start()
    thread.join(5)
    assert refused


def test_files_that_are_still_being_written_are_not_listed_yet(tmp_path: Path) -> None:
    path = put(tmp_path, b"new.dcm")
    os.utime(path, (0, 0))  # a copy that preserves the modification time of the original
    assert DirectoryStorage(tmp_path, min_file_age_seconds=30).list_landing().unsettled == [
        "new.dcm"
    ]
    time.sleep(0.06)
    assert DirectoryStorage(tmp_path, min_file_age_seconds=0.05).list_landing().unsettled == []


AS_NOBODY = """
import os, sys
from pathlib import Path
from dicom_pipeline.landing.directory import DirectoryStorage
os.setgroups([]); os.setgid(65534); os.setuid(65534)
storage = DirectoryStorage(Path(sys.argv[1]))
listing = storage.list_landing()
print(sorted(f.path for f in listing.files), listing.errors, listing.complete, listing.rooted,
      sorted(storage.count_files()))
"""


def as_nobody(root: Path, script: str) -> str:
    for folder in (root, *root.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", script, os.fspath(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to drop privileges")


@needs_root
def test_a_folder_without_read_permission_makes_the_listing_incomplete(tmp_path: Path) -> None:
    put(tmp_path, b"open/a.dcm")
    put(tmp_path, b"closed/b.dcm")
    (tmp_path / "closed").chmod(0)
    output = as_nobody(tmp_path, AS_NOBODY)
    assert output == "['open/a.dcm'] 1 False True ['open/a.dcm']"


@needs_root
def test_a_hidden_folder_without_read_permission_leaves_the_listing_complete(
    tmp_path: Path,
) -> None:
    put(tmp_path, b"a.dcm")
    put(tmp_path, b".Trash-0/b.dcm")
    (tmp_path / ".Trash-0").chmod(0)
    assert as_nobody(tmp_path, AS_NOBODY) == "['a.dcm'] 0 True True ['a.dcm']"


@needs_root
def test_a_landing_zone_without_read_permission_is_not_treated_as_empty(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    put(zone, b"a.dcm")
    script = AS_NOBODY.replace("Path(sys.argv[1])", "Path(sys.argv[1]) / 'zone'")
    zone.chmod(0)
    assert as_nobody(tmp_path, script) == "[] 1 False False []"


def test_a_file_that_grows_or_shrinks_while_open_is_read_to_its_end(tmp_path: Path) -> None:
    path = put(tmp_path, b"file")
    opened = DirectoryStorage(tmp_path).open("file")
    with open(path, "ab") as file:
        file.write(b"more")
    assert opened.read_at(0, 100) == b"filemore"
    os.truncate(path, 2)
    assert opened.read_at(0, 100) == b"fi"
    assert opened.read_at(50, 100) == b""
    opened.close()


def test_a_listing_that_runs_out_of_time_is_cut_off_and_the_next_one_continues_after_it(
    tmp_path: Path,
) -> None:
    for name in ("a/1", "a/x/2", "b/3", "c", "d/4"):
        put(tmp_path, name.encode())
    storage = DirectoryStorage(tmp_path)
    seen: set[str] = set()
    start = 0
    for _ in range(40):
        listing = storage.list_landing(start=start, deadline=time.monotonic() - 1)
        assert listing.cut_short
        assert not listing.complete
        seen.update(file.path for file in listing.files)
        start = listing.next_start
    assert seen >= {"a/1", "b/3", "c", "d/4"}


def test_a_listing_of_many_files_in_the_top_folder_is_cut_off_too(tmp_path: Path) -> None:
    for i in range(50):
        put(tmp_path, b"%02d" % i)
    seen: set[str] = set()
    start = 0
    for _ in range(50):
        listing = DirectoryStorage(tmp_path).list_landing(
            start=start, deadline=time.monotonic() - 1
        )
        seen.update(file.path for file in listing.files)
        start = listing.next_start
    assert len(seen) == 50


def test_a_tree_too_large_for_the_time_budget_is_listed_in_parts(tmp_path: Path) -> None:
    """One top folder contains all others, which is the usual layout of an archive."""
    for i in range(8):
        put(tmp_path, b"archive/%d/file" % i)
    seen: set[str] = set()
    for _ in range(400):  # the time budget is used up at the second directory

        class Deadline(float):
            asked = 0

            def __lt__(self, other: object) -> bool:
                Deadline.asked += 1
                return Deadline.asked > 1

        listing = DirectoryStorage(tmp_path).list_landing(deadline=Deadline())
        seen.update(file.path for file in listing.files)
    assert len(seen) == 8
