from pathlib import Path

import pytest

from ragbench.core.errors import InputError
from ragbench.io.encoding import DAMAGED, decode, read_text

RUSSIAN = "Проверка кодировки: поиск документов по запросу и оценка качества ответов. " * 5

JAPANESE = "文書を検索して、回答の品質を評価するための道具です。再現率と適合率を測ります。" * 3
CHINESE = "这是一个用于评估检索系统质量的工具，它可以读取各种格式的文件。" * 3


@pytest.mark.parametrize(
    ("content", "text", "encoding"),
    [
        ("naïve – 5 €".encode(), "naïve – 5 €", "utf-8"),
        ("naïve".encode("utf-8-sig"), "naïve", "utf-8-sig"),
        ("naïve 😀".encode("utf-16"), "naïve 😀", "utf-16"),
        (b"\xfe\xff" + "naïve".encode("utf-16-be"), "naïve", "utf-16"),
        ("naïve".encode("utf-32"), "naïve", "utf-32"),
        ("a plain line of text".encode("utf-16-le"), "a plain line of text", "utf-16-le"),
        ("a plain line of text".encode("utf-16-be"), "a plain line of text", "utf-16-be"),
        ("Schartau’s café".encode("cp1252"), "Schartau’s café", "cp1252"),
        (b"caf\xe9 and \x81", "café and \x81", "latin-1"),
        ("an accent at the very end: é".encode("cp1252"), "an accent at the very end: é", "cp1252"),
        (RUSSIAN.encode("cp1251"), RUSSIAN, "cp1251"),
        (RUSSIAN.encode("koi8-r"), RUSSIAN, "koi8_r"),
        (JAPANESE.encode("shift-jis"), JAPANESE, "cp932"),
        (CHINESE.encode("gbk"), CHINESE, "gb18030"),
        ("é è ü ß".encode() + b" \xff", "é è ü ß \ufffd", DAMAGED),
        (b"", "", "utf-8"),
    ],
)  # fmt: skip
def test_decodes(content: bytes, text: str, encoding: str) -> None:
    assert decode(content, "x") == (text, encoding)


def test_line_ends_become_newlines_and_lone_carriage_returns_stay() -> None:
    assert decode(b"a\r\nb\rc\n", "x")[0] == "a\nb\rc\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0", "not a text file"),
        (b"\xff\xfe\x00", "starts with the mark of utf-16"),
        ("é und ü".encode()[:-1], "cut off"),
    ],
)
def test_refuses_what_is_no_text(content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=f"x: .*{message}"):
        decode(content, "x")


def test_bounds_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("twelve bytes")
    assert read_text(tmp_path / "a.txt", max_bytes=12)[0] == "twelve bytes"
    with pytest.raises(InputError, match="larger than 11 bytes"):
        read_text(tmp_path / "a.txt", max_bytes=11)
    with pytest.raises(InputError, match=r"b\.txt: cannot be read"):
        read_text(tmp_path / "b.txt")


@pytest.mark.shared_data
def test_real_files(shared_data: Path) -> None:
    text, encoding = read_text(shared_data / "wattbot" / "metadata.csv")
    assert encoding == "cp1252"
    assert "\ufffd" not in text
    text, encoding = read_text(shared_data / "wattbot" / "train_QA.csv")
    assert encoding == "utf-8-sig"
    assert text.startswith("id,question")
