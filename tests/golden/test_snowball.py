"""Languages of the writer without a model."""

import json
from pathlib import Path
from typing import Any

import pytest
import Stemmer

from ragbench.core.errors import SettingError
from ragbench.golden.masked_pool import SNOWBALL, masked_language

GERMAN = {
    "kanne.txt": "Die Kanne aus Edelstahl fasst anderthalb Liter. Der Deckel schließt dicht und hält den Tee "
    "stundenlang warm. Nach dem Kochen schaltet sich das Gerät von selbst ab. Reinigen Sie den Filter mit Essig.",
    "zelt.txt": "Das Zelt bietet Platz für zwei Personen und ihr Gepäck. Die Stangen bestehen aus leichtem Aluminium "
    "und lassen sich einfach zusammenstecken. Bei starkem Wind sollten alle Schnüre gespannt werden.",
}


def test_every_name_is_one_of_snowball() -> None:
    assert set(SNOWBALL.values()) <= set(Stemmer.algorithms())


def test_one_language_that_snowball_knows() -> None:
    assert masked_language(("de",)) == ("de", "german")
    with pytest.raises(SettingError, match=r"en,de'?: .* name one language"):
        masked_language(("en", "de"))
    with pytest.raises(SettingError, match=r"ja'?: sentences cannot be masked in it .* ar, ca"):
        masked_language(("ja",))


def test_german_documents_give_german_queries(ragbench: Any, tmp_path: Path) -> None:
    docs, out = tmp_path / "docs", tmp_path / "golden"
    docs.mkdir()
    for name, text in GERMAN.items():
        (docs / name).write_text(text, encoding="utf-8")
    sentences = ("generate", "--corpus", docs, "--wordings", "paraphrase")
    assert ragbench(*sentences, "--languages", "de", "--out", out).code == 0
    rows = [json.loads(line) for line in (out / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["source"] for row in rows] == ["kanne.txt", "zelt.txt"]
    assert {row["metadata"]["language"] for row in rows} == {"de"}
    assert all(row["text"] in GERMAN[row["source"]] for row in rows)
    english = ragbench(*sentences, "--out", tmp_path / "english")
    assert english.code == 2
    assert "it is in 'de' rather than in 'en'" in english.err
