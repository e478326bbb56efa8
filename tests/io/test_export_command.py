import json
import subprocess
import sys
from pathlib import Path

from ragbench.io.golden_files import read_golden


def export(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "from ragbench.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "export", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_the_sample_set_as_beir_tells_what_was_lost(sample_data: Path, tmp_path: Path) -> None:
    source = sample_data / "shop" / "golden.jsonl"
    done = export("--golden", source, "--to", "beir", "--out", tmp_path / "beir", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    golden = read_golden(source)
    assert (told["version"], told["queries"], told["format"]) == (1, len(golden), "beir")
    spans = sum(any(not e.whole for e in item.evidence) or bool(item.masked) for item in golden)
    assert sum(entry["code"] == "not-written" for entry in told["ledger"]) == spans
    judged = [item.id for item in golden if item.evidence]
    assert [item.id for item in read_golden(tmp_path / "beir")] == judged


def test_a_wrong_format_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "g.jsonl").write_text('{"id": "a", "text": "x"}\n')
    done = export("--golden", tmp_path / "g.jsonl", "--to", "bier", "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr.startswith("error: no golden set format 'bier'; did you mean 'beir'?")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
