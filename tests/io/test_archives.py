import stat
import zipfile
from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.io.archives import unpack_zip


def made(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_the_one_outer_folder_is_left_away(tmp_path: Path) -> None:
    assert unpack_zip(made(tmp_path / "a.zip", {"set/a": b"1", "set/q/b": b"2"}), tmp_path / "out") == 2
    assert (tmp_path / "out" / "q" / "b").read_bytes() == b"2"
    assert unpack_zip(made(tmp_path / "a.zip", {"a": b"1", "q/b": b"2"}), tmp_path / "two") == 2
    assert (tmp_path / "two" / "a").exists()


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil", "C:evil", "..\\evil"])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    archive = made(tmp_path / "a.zip", {"good": b"1", name: b"2"})
    with pytest.raises(InputError, match=r"a\.zip: .*leads out of the folder"):
        unpack_zip(archive, tmp_path / "in" / "out")
    assert list((tmp_path / "in").iterdir()) == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(InputError, match="is a link"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "out")


def test_bombs_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"zeros": bytes(100 << 20)})
    with pytest.raises(InputError, match="would become 104,857,600"):
        unpack_zip(archive, tmp_path / "out")
    archive = made(tmp_path / "b.zip", {"a": b"x" * 2000})
    with pytest.raises(InputError, match="would become 2,000"):
        unpack_zip(archive, tmp_path / "out", most_bytes=1000)


def test_a_size_that_lies_is_found_out(tmp_path: Path) -> None:
    archive = made(tmp_path / "a.zip", {"a": b"x" * 2000})
    raw = archive.read_bytes()
    # The uncompressed size, in the local header and in the directory.
    archive.write_bytes(raw.replace((2000).to_bytes(4, "little"), (20).to_bytes(4, "little")))
    with pytest.raises(InputError, match="no zip file that can be unpacked"):
        unpack_zip(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_zip_file_or_twice_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("<html>")
    with pytest.raises(InputError, match="no zip file"):
        unpack_zip(tmp_path / "a.zip", tmp_path / "out")
    with pytest.raises(InputError, match="is in it twice"):
        unpack_zip(made(tmp_path / "b.zip", {"a": b"1", "A": b"2"}), tmp_path / "out")
    with pytest.raises(InputError, match="there is no file in it"):
        unpack_zip(made(tmp_path / "c.zip", {}), tmp_path / "out")
