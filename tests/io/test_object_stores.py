"""Object stores: what is fetched and uploaded, what happens when the store fails, and which URLs are refused."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import ragbench as rb
from ragbench.core.context import Context
from ragbench.core.errors import InputError
from ragbench.core.options import OptionSpec, specs
from ragbench.io import staged
from ragbench.io.object_stores import transfer
from ragbench.io.object_stores.connect import connect
from ragbench.io.object_stores.mirror import Mirror
from ragbench.io.object_stores.places import Place, local_path, parse_place
from ragbench.workflows import WORKFLOWS
from tests.io.object_stores import BUCKET, Store, json_of, moto_port, store  # noqa: F401 (fixtures)

CORPUS = "id,text\na,red apples grow in the garden\nb,blue sky over the sea\nc,a green tent for two people\n"
GOLDEN = (
    '{"query_id": "q1", "query": "apples in the garden", "relevant_product_id": "a"}\n'
    '{"query_id": "q2", "query": "sky over the sea", "relevant_product_id": "b"}\n'
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "FIRST_WAIT_S", 0.01)


@pytest.fixture
def inputs(store: Store) -> dict[str, str]:  # noqa: F811
    return {"corpus": store.put("in/corpus.csv", CORPUS), "golden": store.put("in/golden.jsonl", GOLDEN)}


@pytest.mark.slow
def test_an_evaluation_reads_and_writes_urls(store: Store, inputs: dict[str, str], tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "corpus.csv").write_text(CORPUS)
    (tmp_path / "golden.jsonl").write_text(GOLDEN)
    local = rb.evaluate(tmp_path / "corpus.csv", tmp_path / "golden.jsonl", retrievers="bm25")
    remote = rb.evaluate(**inputs, retrievers="bm25", out=f"s3://{BUCKET}/runs/one")
    assert remote.scored[0].run.to_dict() == local.scored[0].run.to_dict()
    keys = store.keys("runs/one/")
    assert {"runs/one/results.json", "runs/one/evaluation.json", "runs/one/runs/bm25.trec"} <= set(keys)
    for key in keys:
        content = store.read(key)
        assert str(tmp_path).encode() not in content, key
    manifest = json_of(store.read("runs/one/results.json"))["manifest"]
    assert manifest["inputs"]["golden"]["path"] == "../../in/golden.jsonl"
    assert rb.load_run(f"s3://{BUCKET}/runs/one::bm25")[0].name == "bm25"


@pytest.mark.slow
def test_an_input_of_a_local_evaluation_keeps_its_url(inputs: dict[str, str], tmp_path: Path) -> None:
    rb.evaluate(**inputs, retrievers="bm25", out=tmp_path / "run")
    manifest = json_of((tmp_path / "run" / "results.json").read_bytes())["manifest"]
    assert manifest["inputs"]["corpus"]["path"] == inputs["corpus"]


def test_what_has_not_changed_is_not_fetched_again(
    store: Store,  # noqa: F811
    inputs: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fetched() -> int:
        before = store.times("GET", "in/corpus.csv")
        assert len(rb.load_corpus(inputs["corpus"])) == rows
        return store.times("GET", "in/corpus.csv") - before

    rows = 3
    assert fetched() == 1
    assert fetched() == 0
    # Written in the same second, with the same size: only the version tells them apart.
    store.put("in/corpus.csv", CORPUS.replace("red", "RED"))
    assert fetched() == 1
    assert rb.load_corpus(inputs["corpus"]).documents[0].text.startswith("RED")
    rows = 4
    store.put("in/corpus.csv", CORPUS + "d,four\n")
    assert fetched() == 1


def test_objects_that_were_removed_are_no_longer_read(store: Store) -> None:  # noqa: F811
    for name in ("a", "b"):
        store.put(f"docs/{name}.txt", f"text of {name}")
    assert len(rb.load_corpus(f"s3://{BUCKET}/docs")) == 2
    store.client.delete_object(Bucket=BUCKET, Key="docs/a.txt")
    assert [one.id for one in rb.load_corpus(f"s3://{BUCKET}/docs").documents] == ["b.txt"]


@pytest.mark.parametrize("fault", ["slow", "cut", "lost"])
def test_reads_are_tried_again(store: Store, inputs: dict[str, str], fault: str) -> None:  # noqa: F811
    left = {"GET": 2, "HEAD": 1}

    def breaks(method: str, path: str) -> str:
        if "corpus.csv" in path and left.get(method, 0):
            left[method] -= 1
            return "lost" if method == "HEAD" and fault == "cut" else fault
        return ""

    store.breaks = breaks
    assert len(rb.load_corpus(inputs["corpus"])) == 3
    assert left == {"GET": 0, "HEAD": 0}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["slow", "lost"])
def test_writes_are_tried_again(store: Store, inputs: dict[str, str], fault: str) -> None:  # noqa: F811
    left = [3]

    def breaks(method: str, path: str) -> str:
        if method == "PUT" and left[0]:
            left[0] -= 1
            return fault
        return ""

    store.breaks = breaks
    rb.chunk(inputs["corpus"], "whole", out=f"s3://{BUCKET}/out/chunks.jsonl")
    assert len(store.read("out/chunks.jsonl").splitlines()) == 3
    assert left == [0]


@pytest.mark.parametrize(
    ("fault", "says"),
    [("denied", "no right to read"), ("expired", "expired"), ("unknown", "does not know these credentials")],
)
def test_errors_that_stay_are_said_at_once(store: Store, inputs: dict[str, str], fault: str, says: str) -> None:  # noqa: F811
    store.breaks = lambda method, path: fault
    with pytest.raises(InputError, match=f"^{inputs['corpus']}: .*{says}") as refused:
        rb.load_corpus(inputs["corpus"])
    assert "\n" not in str(refused.value)
    assert len(store.asked) < 8


def test_a_missing_key_names_a_near_one_and_a_missing_bucket_itself(inputs: dict[str, str]) -> None:
    with pytest.raises(InputError, match=f"did you mean s3://{BUCKET}/in/corpus.csv"):
        rb.load_corpus(f"s3://{BUCKET}/in/corpas.csv")
    with pytest.raises(InputError, match="no bucket 'teams'"):
        rb.load_corpus("s3://teams/in/corpus.csv")


def test_a_failed_upload_keeps_the_results_and_the_same_command_uploads_them(
    store: Store,  # noqa: F811
    inputs: dict[str, str],
) -> None:
    store.breaks = lambda method, path: "denied" if method in ("PUT", "POST") else ""
    out = f"s3://{BUCKET}/out/chunks.jsonl"
    with pytest.raises(InputError, match=r"no right to write.*kept on this machine"):
        rb.chunk(inputs["corpus"], "whole", out=out)
    assert store.keys("out") == []
    # A reader is told of files that are here and not there.
    with pytest.raises(InputError, match="before its upload ended"):
        rb.load_corpus(out)
    store.breaks = lambda method, path: ""
    rb.chunk(inputs["corpus"], "whole", out=out)
    assert len(store.read("out/chunks.jsonl").splitlines()) == 3


def test_a_job_that_fails_uploads_what_it_wrote(store: Store, tmp_path: Path) -> None:  # noqa: F811
    known, given = _output()
    values, stores = staged.take_urls(known, given)

    def job() -> None:
        with stores.at_hand(Context()):
            Path(values["out"]).mkdir(parents=True)
            (Path(values["out"]) / "paid.jsonl").write_text("{}\n")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        job()
    assert store.keys("jobs/") == ["jobs/paid.jsonl"]


def test_a_long_job_uploads_while_it_runs_and_the_manifest_comes_last(
    store: Store,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(staged, "SAVE_SECONDS", 0.05)
    known, given = _output()
    values, stores = staged.take_urls(known, given)
    with stores.at_hand(Context()):
        folder = Path(values["out"])
        folder.mkdir(parents=True)
        for name in ("answers.jsonl", "manifest.json"):
            (folder / name).write_text("{}\n")
        until = time.monotonic() + 20
        while not store.keys("jobs/") and time.monotonic() < until:
            time.sleep(0.02)
        assert store.keys("jobs/") == ["jobs/answers.jsonl"]
    assert store.keys("jobs/") == ["jobs/answers.jsonl", "jobs/manifest.json"]
    written = [path.partition("?")[0] for method, path in store.asked if method in ("PUT", "POST")]
    assert written[-1].endswith("jobs/manifest.json")


def test_a_dry_run_uploads_nothing(store: Store) -> None:  # noqa: F811
    known, given = _output()
    values, stores = staged.take_urls(known, given)
    with stores.at_hand(Context(), dry_run=True):
        Path(values["out"]).mkdir(parents=True)
        (Path(values["out"]) / "x.json").write_text("{}")
    assert store.keys("jobs/") == []


def test_changes_in_both_places_are_an_error_and_nothing_is_lost(store: Store) -> None:  # noqa: F811
    mirror, place = Mirror(), parse_place(store.put("jobs/answers.jsonl", "1\n"))
    path = mirror.fetch(place, writes=True)
    path.write_text("1\n2\n")
    store.put("jobs/answers.jsonl", "1\n3\n5\n")
    with pytest.raises(InputError, match="changed in the store, and also by a job on this machine"):
        mirror.fetch(place, writes=True)
    assert (path.read_text(), store.read("jobs/answers.jsonl")) == ("1\n2\n", b"1\n3\n5\n")


UPLOADER = """
import sys
from ragbench.io.object_stores import transfer
from ragbench.io.object_stores.mirror import Mirror
from ragbench.io.object_stores.places import parse_place
transfer.PIECE = 6 << 20
mirror, place = Mirror(), parse_place(sys.argv[1])
path = mirror.fetch(place, writes=True)
path.parent.mkdir(parents=True, exist_ok=True)
path.write_bytes(b"x" * (30 << 20))
mirror.upload(place, last=True)
"""


@pytest.mark.slow
def test_a_kill_within_an_upload_leaves_no_object_and_the_next_upload_ends_it(
    store: Store,  # noqa: F811
) -> None:
    parts: list[str] = []

    def breaks(method: str, path: str) -> str:
        if "partNumber" in path:
            parts.append(path)
            time.sleep(0.2)
        return ""

    store.breaks = breaks
    url = f"s3://{BUCKET}/big/one.bin"
    process = subprocess.Popen([sys.executable, "-c", UPLOADER, url])
    try:
        until = time.monotonic() + 60
        while len(parts) < 2 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait(30)
    assert parts
    assert store.keys("big/") == []
    store.breaks = lambda method, path: ""
    mirror, place = Mirror(), parse_place(url)
    assert mirror.fetch(place, writes=True).stat().st_size == 30 << 20
    mirror.upload(place, last=True)
    assert store.client.head_object(Bucket=BUCKET, Key="big/one.bin")["ContentLength"] == 30 << 20


def test_a_killed_job_goes_on_from_what_its_last_upload_began(store: Store) -> None:  # noqa: F811
    """The upload ended in the store, the note of it was not written, and the job had gone on meanwhile."""
    mirror, place = Mirror(), parse_place(store.put("jobs/answers.jsonl", "1\n"))
    path = mirror.fetch(place, writes=True)
    before = mirror._note(place)
    path.write_text("1\n2\n")
    mirror.upload(place, last=True)
    sent = mirror._note(place)
    mirror._keep(place, dataclasses.replace(before, sending=transfer.md5_of(path)))
    path.write_text("1\n2\n3\n")
    mirror.fetch(place, writes=True)
    assert path.read_text() == "1\n2\n3\n"
    mirror.upload(place, last=True)
    assert store.read("jobs/answers.jsonl") == b"1\n2\n3\n"
    assert sent.sending == ""


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("s3://KEY:SECRET@team/docs", "credentials"),
        ("s3://team/docs?X-Amz-Signature=SECRET", "no query"),
        ("s3:///docs", "names no bucket"),
        ("s3://team/a/../b", "'..'"),
        ("abfs://docs:SECRET@account.dfs.core.windows.net/a", "credentials"),
        ("s4://team/docs", "unknown scheme 's4'"),
        ("https://team.s3.amazonaws.com/docs?X-Amz-Signature=SECRET", "unknown scheme 'https'"),
        ("file://elsewhere/docs", "this machine"),
    ],
)
def test_urls_that_are_refused_show_no_secret(url: str, fault: str) -> None:
    known = [spec for spec in specs(_workflow("chunk").load()[0]) if spec.name == "corpus"]
    with pytest.raises(InputError, match=fault) as refused:
        staged.take_urls(known, {"corpus": url})
    assert "SECRET" not in str(refused.value)


def test_places_of_every_scheme() -> None:
    assert parse_place("s3://b/a/c/") == Place("s3", "b", "a/c")
    assert parse_place("gs://b").path == "b"
    azure = parse_place("abfs://docs@acc.dfs.core.windows.net/a/b.csv")
    assert (azure.path, azure.account, azure.url) == (
        "docs/a/b.csv", "acc.dfs.core.windows.net", "abfs://docs@acc.dfs.core.windows.net/a/b.csv",
    )  # fmt: skip
    assert local_path("file:///data/my%20docs") == "/data/my docs"


def test_the_file_system_of_each_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    assert connect(parse_place("s3://b/a")).region == "eu-central-1"
    assert connect(parse_place("gs://b/a")).type_name == "gcs"
    assert connect(parse_place("abfs://docs@acc.dfs.core.windows.net/a")).type_name == "abfs"
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(InputError, match="AZURE_STORAGE_ACCOUNT_NAME"):
        connect(parse_place("abfs://docs/a"))


PATHS = [
    (workflow, spec)
    for workflow in WORKFLOWS
    for spec in specs(workflow.load()[0])
    if staged.holds(spec.kind, Path)
]  # fmt: skip


@pytest.mark.parametrize(
    ("workflow", "spec"), PATHS, ids=[f"{workflow.command}-{spec.name}" for workflow, spec in PATHS]
)
def test_every_option_with_a_path_takes_a_url(
    workflow: Any, spec: OptionSpec, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("RAGBENCH_CACHE", str(tmp_path))
    for url in ("s3://team/folder/file.csv", Path("s3://team/folder/file.csv")):
        value: Any = [url] if spec.many or "tuple" in str(spec.kind) else url
        values, stores = staged.take_urls([spec], {spec.name: value})
        (place,) = stores.places
        assert place == Place("s3", "team", "folder/file.csv")
        found = values[spec.name][0] if isinstance(value, list) else values[spec.name]
        assert str(found) == str(stores.mirror.local(place))  # type: ignore[union-attr]
        assert stores.places[place] == bool(spec.declared.writes or spec.declared.changes)


def test_references_and_settings_that_hold_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGBENCH_CACHE", str(tmp_path))
    known = specs(_workflow("eval").load()[0])
    values, stores = staged.take_urls(known, {"retrievers": ["old=run:path=s3://team/a.run,name=x"], "metrics": "s3"})
    copies = stores.mirror.copies  # type: ignore[union-attr]
    assert values == {"retrievers": [f"old=run:path={copies}/s3/team/a.run,name=x"], "metrics": "s3"}
    values, stores = staged.take_urls(specs(_workflow("compare").load()[0]), {"systems": ("new=s3://team/a,b::bm25",)})
    assert values == {"systems": (f"new={copies}/s3/team/a,b::bm25",)}
    batch = specs(_workflow("batch submit").load()[0])
    assert staged.take_urls(batch, {"s3_uri": "s3://team/batches"})[0] == {"s3_uri": "s3://team/batches"}


@pytest.mark.slow
def test_the_command_reads_its_configuration_from_a_store(
    ragbench: Any,
    store: Store,  # noqa: F811
    inputs: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {**store.environment, "RAGBENCH_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setitem(ragbench.environment, name, value)
    config = store.put("config/eval.yaml", json.dumps({**inputs, "retriever": "bm25", "out": f"s3://{BUCKET}/runs/c"}))
    done = ragbench("eval", "--config", config, cwd=tmp_path)
    assert done.code == 0, done.err
    assert f"s3://{BUCKET}/runs/c" in done.out
    assert str(tmp_path / "cache") not in done.out + done.err
    assert "runs/c/results.json" in store.keys("runs/c/")


def test_nothing_of_pyarrow_is_imported_without_a_url() -> None:
    code = "import sys, ragbench.cli.bind; print(sorted(m for m in sys.modules if m.startswith('pyarrow')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"[]"


def _workflow(command: str) -> Any:
    return next(one for one in WORKFLOWS if one.command == command)


def _output() -> tuple[list[OptionSpec], dict[str, str]]:
    """The option for the folder of an evaluation, and a URL for it."""
    known = [spec for spec in specs(_workflow("eval").load()[0]) if spec.name == "out"]
    return known, {"out": f"s3://{BUCKET}/jobs"}
