"""A hash tells contents apart and nothing else; a zip's bytes depend on the contents alone."""

import io
import os
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stepdig.packing.contents import File, digest, write
from stepdig.runner.container import extract

NAMES = st.lists(st.text("ab日 .-", min_size=1, max_size=5), min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=20), st.booleans()), max_size=4)


def made(contents):
    return {name: File(content, program) for name, (content, program) in contents.items()}


@given(FILES, FILES)
def test_two_hashes_are_the_same_if_all_the_contents_are(one, other):
    assert (digest(made(one)) == digest(made(other))) == (one == other)
    assert digest(made(one), "arm64") != digest(made(one), "x86_64")


@given(FILES, st.randoms())
def test_the_order_of_files_changes_no_byte(contents, chance):
    names = list(contents)
    chance.shuffle(names)
    zips = []
    for order in (contents, names):
        out = io.BytesIO()
        write({name: made(contents)[name] for name in order}, out)
        zips.append(out.getvalue())
    assert zips[0] == zips[1]


def test_a_container_unpacks_what_was_packed(tmp_path):
    (tmp_path / "on disk").write_bytes(b"disk" * 1_000)
    files = {"a/b.sh": File(b"#!/bin/sh\n", program=True), "日本.sql": File(tmp_path / "on disk"), "empty": File(b"")}
    out = io.BytesIO()
    write(files, out)
    extract(out.getvalue(), tmp_path / "project")
    for name, file in files.items():
        path = tmp_path / "project" / name
        assert path.read_bytes() == file.read()
        assert bool(path.stat().st_mode & 0o111) == file.program


def test_a_change_of_time_or_place_changes_no_byte(tmp_path):
    zips = []
    for folder, second in ((Path("one"), 0), (Path("two"), 1_000_000_000)):
        (tmp_path / folder).mkdir()
        path = tmp_path / folder / "x"
        path.write_text("same")
        os.utime(path, (second, second))
        out = io.BytesIO()
        write({"x": File(path)}, out, dense=False)
        zips.append(out.getvalue())
    assert zips[0] == zips[1]
    assert zipfile.ZipFile(io.BytesIO(zips[0])).getinfo("x").compress_type == zipfile.ZIP_STORED
