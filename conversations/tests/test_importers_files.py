"""Finding and opening the files of an import: folders, archives, standard input, hostile zips."""

from __future__ import annotations

import io
import json
import os
import struct
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conversations.importers import FORMATS, Found, find, read
from conversations.importers.reading import archives, files
from conversations.importers.records import Rejected, SessionRecord, Skipped

LOG = (
    b'{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s1",'
    b'"message":{"role":"user","content":"hello"}}\n'
)
KNOWN = "`manage.py import --help` lists the formats"


def export(name: str = "c1", text: str = "hello") -> bytes:
    said = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": [text]}}
    node = {"id": "n", "message": said, "parent": None, "children": []}
    return json.dumps([{"conversation_id": name, "mapping": {"n": node}}]).encode()


def archive(path: Path, entries: dict[str, bytes], **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", options.pop("compression", zipfile.ZIP_DEFLATED)) as zip:
        for name, content in entries.items():
            zip.writestr(name, content)
    return path


def names_of(found: Found) -> dict[str, list[str]]:
    return {format: [Path(file.name).name for file in some] for format, some in found.files.items()}


def sessions_of(found: Found) -> list[str]:
    return [item.external_id for _, item in read(found) if isinstance(item, SessionRecord)]


# -- finding ---------------------------------------------------------------------------------------


def test_every_format_is_a_module_of_the_same_shape():
    for name, module in FORMATS.items():
        assert name == name.lower().replace("_", "-")
        assert module.LABEL
        assert not module.recognises(b"")
        assert list(module.read([])) == []


def test_a_folder_is_walked_in_order_and_sorted_by_format(tmp_path):
    for name, content in {
        "b/log.txt": LOG,
        "a/log.jsonl": LOG.replace(b"s1", b"s2"),
        "export.json": export(),
        "notes.md": b"# tea\n",
        "empty.jsonl": b"",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    found = find([tmp_path])
    assert [file.name for file in found.files["claude-code"]] == [
        str(tmp_path / "a/log.jsonl"),
        str(tmp_path / "b/log.txt"),
    ]
    assert [file.name for file in found.files["chatgpt"]] == [str(tmp_path / "export.json")]
    assert found.unrecognised == [
        Skipped(str(tmp_path / "empty.jsonl"), "empty file"),
        Skipped(str(tmp_path / "notes.md"), "a text file, of no known format"),
    ]
    assert found.total_bytes == 2 * len(LOG) + len(export())
    assert [format for format, _ in read(found)] == ["claude-code", "claude-code", "chatgpt"]


def test_a_path_may_be_text_and_named_twice(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(LOG)
    found = find([str(tmp_path), tmp_path / "log.jsonl"])
    assert len(found.files["claude-code"]) == 1
    assert found.unrecognised == []


def test_a_named_file_that_nobody_knows_is_rejected_with_what_it_is(tmp_path):
    path = tmp_path / "photo.json"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 20)
    assert find([path]).unrecognised == [
        Rejected(str(path), f"a PNG image, of no known format; {KNOWN}")
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\xff\xfe{\0", "UTF-16 text; save it as UTF-8"),
        (b'{"a":1}', "JSON, an object or lines of objects"),
        (b"\xef\xbb\xbf [1]", "JSON, a list"),
        (b"<html>", "HTML or XML"),
        (b"a\0b", "a binary file"),
        (b"dear diary", "a text file"),
        (b" \n", "an empty file"),
    ],
)
def test_a_file_is_described_by_its_first_bytes(content, kind):
    assert files.describe(content) == kind


def test_a_named_empty_file_is_none_the_worse(tmp_path):
    path = tmp_path / "log.jsonl"
    path.touch()
    assert find([path]).unrecognised == [Skipped(str(path), "empty file")]


def test_a_named_path_that_is_not_there_is_rejected(tmp_path):
    [rejected] = find([tmp_path / "nowhere"]).unrecognised
    assert rejected == Rejected(str(tmp_path / "nowhere"), "no such file or directory")
    assert find(["a\0b"]).unrecognised[0].place == "a�b"


def test_a_named_folder_without_anything_known_is_rejected(tmp_path):
    reason = f"holds no conversation of a known format; {KNOWN}"
    assert find([tmp_path]).unrecognised == [Rejected(str(tmp_path), reason)]
    (tmp_path / "notes.md").write_text("tea")
    assert find([tmp_path]).unrecognised == [
        Skipped(str(tmp_path / "notes.md"), "a text file, of no known format"),
        Rejected(str(tmp_path), reason),
    ]


def test_what_is_no_regular_file_is_never_opened(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(LOG)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    assert find([tmp_path]).unrecognised == [
        Skipped(str(tmp_path / "lost"), "no such file or directory"),
        Skipped(str(tmp_path / "pipe"), "not a regular file"),
    ]
    assert find([tmp_path / "pipe"]).unrecognised == [
        Rejected(str(tmp_path / "pipe"), "not a regular file; - reads standard input")
    ]


def test_links_in_a_circle_do_not_hang(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(LOG)
    (tmp_path / "again").symlink_to(tmp_path)
    assert names_of(find([tmp_path])) == {"claude-code": ["log.jsonl"]}


def test_a_file_that_cannot_be_opened_is_rejected(tmp_path, monkeypatch):
    (tmp_path / "log.jsonl").write_bytes(LOG)

    def refuse(self: Path, *args: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    found = find([tmp_path])
    monkeypatch.setattr(Path, "open", refuse)
    # Whether it fails when looked at or when read.
    assert [item for _, item in read(found)] == [
        Rejected(str(tmp_path / "log.jsonl"), "permission denied")
    ]
    assert find([tmp_path / "log.jsonl"]).unrecognised == [
        Rejected(str(tmp_path / "log.jsonl"), "permission denied")
    ]


def test_a_file_that_goes_away_before_it_is_read_is_rejected(tmp_path):
    for name, content in {"log.jsonl": LOG, "export.json": export()}.items():
        (tmp_path / name).write_bytes(content)
    found = find([tmp_path])
    for path in tmp_path.iterdir():
        path.unlink()
    assert {item.reason for _, item in read(found)} == {"no such file or directory"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want file names to be UTF-8")
def test_a_file_name_that_is_no_utf_8_can_be_printed_and_stored(tmp_path):
    path = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.jsonl"))
    path.write_bytes(LOG)
    [file] = find([tmp_path]).files["claude-code"]
    assert file.name.endswith("caf�.jsonl")
    assert sessions_of(find([path])) == ["s1"]


def test_progress_counts_every_byte_once(tmp_path):
    (tmp_path / "log.jsonl").write_bytes(LOG * 3)
    archive(tmp_path / "export.zip", {"conversations.json": export(text="x" * 300_000)})
    seen: list[int] = []
    found = find([tmp_path], on_bytes=seen.append)
    assert seen == []
    assert len(sessions_of(found)) == 2
    assert sum(seen) == found.total_bytes
    assert len(seen) > 1


# -- standard input --------------------------------------------------------------------------------


@pytest.mark.parametrize(("content", "format"), [(LOG, "claude-code"), (export(), "chatgpt")])
def test_standard_input_is_read_like_a_file(monkeypatch, content, format):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    found = find(["-"])
    assert names_of(found) == {format: ["standard input"]}
    assert found.total_bytes == len(content)
    assert len(sessions_of(found)) == 1
    assert len(sessions_of(found)) == 1  # and can be read again


def test_an_archive_on_standard_input_is_opened(monkeypatch, tmp_path):
    path = archive(tmp_path / "export.zip", {"conversations.json": export()})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert sessions_of(find(["-"])) == ["c1"]


def test_standard_input_that_nobody_knows_is_rejected(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"tea")))
    assert find(["-"]).unrecognised == [
        Rejected("standard input", f"a text file, of no known format; {KNOWN}")
    ]


def test_the_copy_of_standard_input_goes_when_nobody_needs_it():
    file = files.spool(io.BytesIO(LOG))
    path = file.path
    assert path.read_bytes() == LOG
    del file
    assert not path.exists()


# -- archives --------------------------------------------------------------------------------------


def test_an_archive_is_read_in_place_wherever_its_files_stand(tmp_path):
    path = archive(
        tmp_path / "export.zip",
        {
            "deep/er/conversations-001.json": export("c2"),
            "deep/er/conversations-000.json": export("c1"),
            "deep/user.json": b'{"id":1}',
            "logs/s1.jsonl": LOG,
            "logs/empty.jsonl": b"",
        },
    )
    found = find([path])
    assert [file.name for file in found.files["chatgpt"]] == [
        f"{path}/deep/er/conversations-000.json",
        f"{path}/deep/er/conversations-001.json",
    ]
    assert sessions_of(found) == ["s1", "c1", "c2"]
    assert found.unrecognised == [
        Skipped(
            f"{path}/deep/user.json", "JSON, an object or lines of objects, of no known format"
        ),
        Skipped(f"{path}/logs/empty.jsonl", "empty file"),
    ]
    assert sorted(tmp_path.rglob("*")) == [path]


def test_an_archive_without_anything_known_is_rejected(tmp_path):
    path = archive(tmp_path / "notes.zip", {"notes.md": b"tea"})
    assert find([path]).unrecognised == [
        Skipped(f"{path}/notes.md", "a text file, of no known format"),
        Rejected(str(path), f"holds no conversation of a known format; {KNOWN}"),
    ]
    empty = archive(tmp_path / "empty.zip", {})
    assert [type(item) for item in find([empty]).unrecognised] == [Rejected]


@pytest.mark.parametrize(
    "name", ["../../up.json", "/etc/passwd", "C:\\x.json", "a\\..\\b", "a/../b"]
)
def test_no_entry_can_leave_the_archive(tmp_path, name):
    path = archive(tmp_path / "export.zip", {name: export()})
    before = sorted(tmp_path.parent.rglob("*"))
    assert sessions_of(find([path])) == ["c1"]
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_entries_of_the_same_name_are_all_read(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as zip:
        zip.writestr("conversations.json", export("c1"))
        with pytest.warns(UserWarning, match="Duplicate name"):
            zip.writestr("conversations.json", export("c2"))
    assert sessions_of(find([path])) == ["c1", "c2"]


def test_an_archive_in_an_archive_is_not_opened(tmp_path):
    inner = archive(tmp_path / "inner.zip", {"conversations.json": export()}).read_bytes()
    path = archive(tmp_path / "outer.zip", {"inner.zip": inner, "conversations.json": export("c2")})
    found = find([path])
    assert sessions_of(found) == ["c2"]
    assert found.unrecognised == [
        Skipped(f"{path}/inner.zip", "an archive inside an archive is not opened; unpack it first")
    ]
    only = archive(tmp_path / "only.zip", {"inner.zip": inner})
    assert isinstance(find([only]).unrecognised[-1], Rejected)


def test_an_encrypted_entry_is_rejected_by_name(tmp_path):
    path = archive(tmp_path / "export.zip", {"conversations.json": export()})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    path.write_bytes(content)
    assert find([path]).unrecognised == [
        Rejected(f"{path}/conversations.json", "is encrypted; unpack the archive with its password")
    ]


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_an_entry_packed_in_another_way_is_rejected_by_name(tmp_path, method):
    path = archive(tmp_path / "x.zip", {"conversations.json": export()}, compression=method)
    [rejected] = find([path]).unrecognised
    assert rejected.place == f"{path}/conversations.json"
    assert "only deflate (8) can be read" in rejected.reason


def test_a_wrong_checksum_is_rejected_by_name(tmp_path):
    options = {"compression": zipfile.ZIP_STORED}
    for name, content in {"log.jsonl": LOG, "conversations.json": export()}.items():
        path = archive(tmp_path / f"{name}.zip", {name: content}, **options)
        path.write_bytes(path.read_bytes().replace(b"hello", b"jello"))
        [rejected] = find([path]).unrecognised
        assert rejected.place == f"{path}/{name}"
        assert "Bad CRC-32" in rejected.reason


def test_a_wrong_checksum_that_shows_only_at_the_end_is_reported_when_read(tmp_path):
    content = export(text="hello " * 50_000)
    path = archive(tmp_path / "x.zip", {"a.json": content}, compression=zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"hello", b"jello"))
    *_, (_, last) = read(find([path]))
    assert last.place == f"{path}/a.json"
    assert "Bad CRC-32" in last.reason


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_an_archive_cut_short_is_rejected(tmp_path, keep):
    path = archive(tmp_path / "export.zip", {"conversations.json": export()})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    [rejected] = find([path]).unrecognised
    assert isinstance(rejected, Rejected)
    assert rejected.place == str(path)


def test_damage_anywhere_in_an_archive_raises_nothing(tmp_path):
    path = archive(tmp_path / "export.zip", {"a.json": export(), "b.jsonl": LOG})
    content = path.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        for _, item in read(find([path])):
            assert isinstance(item, SessionRecord | Rejected | Skipped)


def test_a_small_archive_that_unpacks_to_a_lot_is_refused(tmp_path):
    bomb = b"[" + b" " * 20_000_000 + export()[1:]
    path = archive(tmp_path / "bomb.zip", {"conversations.json": bomb})
    assert path.stat().st_size < 50_000
    # What it is shows in the first bytes only if they are not white space.
    bomb = export()[:-1] + b" " * 20_000_000 + b"]"
    path = archive(tmp_path / "bomb.zip", {"conversations.json": bomb})
    *_, (_, rejected) = read(find([path]))
    assert rejected.place == f"{path}/conversations.json"
    assert rejected.reason == "unpacks to more than 200 times its size"


def test_many_entries_that_share_their_bytes_are_refused_together(tmp_path):
    """Each entry alone stays within the ratio; the directory names the same bytes many times."""
    content = b"".join(LOG.replace(b"u1", os.urandom(6).hex().encode()) for _ in range(20_000))
    path = archive(tmp_path / "bomb.zip", {"log.jsonl": content})
    whole = path.read_bytes()
    start, end = whole.index(b"PK\x01\x02"), whole.index(b"PK\x05\x06")
    entry, times = whole[start:end], 60
    tail = bytearray(whole[end:])
    struct.pack_into("<HHLL", tail, 8, times, times, len(entry) * times, start)
    path.write_bytes(whole[:start] + entry * times + tail)
    ratio = len(content) / path.stat().st_size
    assert 200 / times < ratio < 200
    found = find([path])
    assert len(found.files["claude-code"]) == times
    reasons = {item.reason for _, item in read(found)}
    assert reasons == {"the archive unpacks to more than 200 times its size"}


def test_the_size_of_what_comes_out_is_limited(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_BYTES", 200_000)
    path = archive(tmp_path / "x.zip", {"a.jsonl": LOG + os.urandom(150_000).hex().encode()})
    *_, (_, rejected) = read(find([path]))
    assert "the archive unpacks to more than" in rejected.reason


@pytest.mark.parametrize("zip64", [False, True])
def test_an_archive_of_too_many_entries_is_refused_before_it_is_opened(
    tmp_path, monkeypatch, zip64
):
    monkeypatch.setattr(archives, "MOST_ENTRIES", 50)
    if zip64:
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 10)
    path = archive(tmp_path / "x.zip", {f"{number}.jsonl": LOG for number in range(51)})
    assert (b"PK\x06\x06" in path.read_bytes()) == zip64
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert find([path]).unrecognised == [Rejected(str(path), "holds more than 50 entries")]


def test_looking_at_an_archive_holds_no_file_open(tmp_path):
    for number in range(20):
        archive(tmp_path / f"{number}.zip", {"notes.md": b"tea"})
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    find([tmp_path])
    after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0
    assert after <= before
