"""Files are whole or absent, and what a killed process left is gone after the next write."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ragbench.io.files import replacing, temporary_folder, write_text

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="temporary files are not locked there")

HOLDS = """
import sys, time
from pathlib import Path
from ragbench.io.files import {what}
with {what}(Path(sys.argv[1])) as temporary:
    ({inside}).write_text("half")
    print(flush=True)
    time.sleep(60)
"""
FILE = HOLDS.format(what="replacing", inside="temporary")
FOLDER = HOLDS.format(what="temporary_folder", inside="temporary / 'file'")


def holding(program: str, path: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("program", [FILE, FOLDER])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_stays(program: str, tmp_path: Path) -> None:
    dead, living = (holding(program, tmp_path / name) for name in ("dead", "living"))
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    assert [name.split(".")[1] for name in names(tmp_path)] == ["dead", "living"]
    write_text(tmp_path / "other", "x")
    hidden, other = names(tmp_path)
    assert (hidden.split(".")[1], other) == ("living", "other")
    living.kill()
    living.wait()
    with temporary_folder(tmp_path / "third") as folder:
        assert names(tmp_path) == [folder.name, "other"]
    assert names(tmp_path) == ["other"]


def test_a_file_that_was_not_finished_is_removed_at_once(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "before")

    def write() -> None:
        with replacing(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert (names(tmp_path), (tmp_path / "a").read_text()) == (["a"], "before")


def test_what_came_of_a_download_is_not_a_temporary_file(tmp_path: Path) -> None:
    (tmp_path / ".tiny.zip.part").write_bytes(b"half")
    (tmp_path / ".tiny.zip.part.json").write_text("{}")
    write_text(tmp_path / "a", "x")
    assert names(tmp_path) == [".tiny.zip.part", ".tiny.zip.part.json", "a"]


def test_a_link_with_the_name_of_a_temporary_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("kept")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".x.abcdefgh.part").symlink_to(tmp_path / "precious")
    write_text(tmp_path / "out" / "a", "x")
    assert (tmp_path / "precious" / "file").read_text() == "kept"


def test_files_of_many_threads_do_not_hinder_each_other(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: write_text(tmp_path / f"{number % 7}", str(number % 7)), range(700)))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {str(n): str(n) for n in range(7)}
    assert oct((tmp_path / "0").stat().st_mode & 0o777) == "0o644"
