"""What comes with an installation: pinned by hashes, under known licences, and listed for others to check."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "docs"))
import licences  # noqa: E402
import sbom  # noqa: E402

LOCKS = [ROOT / name for name in ("requirements.txt", "requirements-all.txt")]
SMALL = ("click", "jinja2", "xxhash")


def pins() -> dict[str, set[str]]:
    """Versions by package. Some differ by system or Python."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        name, equal, version = line.partition(";")[0].strip().partition("==")
        if equal:
            found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_the_tested_versions_with_hashes(lock: Path) -> None:
    pinned = list(sbom.read_lock(lock))
    versions = pins()
    assert all(one.version in versions[one.name] for one in pinned)
    assert all(one.hashes for one in pinned)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    assert wanted <= {one.name for one in pinned}, "run: make hashes"
    assert f"{pinned[0].name}==" in lock.read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.slow
def test_pip_takes_the_hashes_and_refuses_others(tmp_path: Path) -> None:
    """Three small packages stand for all: every file is checked in the same way."""
    few = [one for one in sbom.read_lock() if one.name in SMALL]
    assert len(few) == len(SMALL)

    def download(name: str, alter: bool) -> "subprocess.CompletedProcess[str]":
        lines = (
            f"{one.name}=={one.version} " + " ".join(f"--hash=sha256:{'0' * 64 if alter else it}" for it in one.hashes)
            for one in few
        )
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        words = ["download", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", str(tmp_path / "got")]
        return subprocess.run([sys.executable, "-m", "pip", *words, "--requirement", str(tmp_path / name)],
                              capture_output=True, text=True, check=False)  # fmt: skip

    done = download("right.txt", alter=False)
    if "No matching distribution" in done.stderr or "Failed to establish" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "got").glob("*.whl"))) == len(SMALL)
    altered = download("wrong.txt", alter=True)
    assert altered.returncode != 0
    assert "DO NOT MATCH THE HASHES" in altered.stderr


def test_every_licence_is_permissive_or_has_a_reason() -> None:
    page = licences.read_page()
    assert not licences.faults(page)
    assert set(pins()) == set(page), "run: make licences, with every extra installed"


def test_the_page_says_what_the_installed_packages_say() -> None:
    page, found = licences.read_page(), licences.rows()
    assert {name: row[0] for name, row in found.items()} == {name: row[0] for name, row in page.items()}
    assert {name for name, row in found.items() if row[1] == "ragbench"} == {
        name for name, row in page.items() if row[1] == "ragbench"
    }


@pytest.mark.parametrize(
    ("expression", "permissive"),
    [
        ("MIT", True), ("BSD", True), ("MPL-2.0", False), ("GPL-3.0-only", False), ("unknown", False),
        ("MIT OR GPL-2.0-only", True), ("MIT AND GPL-2.0-only", False), ("(MIT OR GPL-2.0-only) AND ISC", True),
        ("MPL-2.0 AND (Apache-2.0 OR MIT)", False), ("(MIT AND GPL-2.0-only) OR Apache-2.0", True),
        ("Apache-2.0 WITH LLVM-exception", True), ("(MPL-2.0)", False),
    ],
)  # fmt: skip
def test_what_counts_as_permissive(expression: str, permissive: bool) -> None:
    assert licences.is_permissive(expression) is permissive
    assert bool(licences.faults({"some-package": (expression, "")})) is not permissive


def test_the_bill_of_materials_lists_every_package_and_why_it_is_there() -> None:
    made = sbom.document()
    pinned = {one.purl for one in sbom.read_lock()}
    assert {one["bom-ref"] for one in made["components"]} == pinned
    needs = {one["ref"]: one["dependsOn"] for one in made["dependencies"]}
    reached, open_ = set[str](), [made["metadata"]["component"]["bom-ref"]]
    while open_:
        ref = open_.pop()
        open_ += set(needs[ref]) - reached
        reached |= set(needs[ref])
    # Packages for other systems or other versions of Python may be needed by what is not installed here.
    by_ref = {one["bom-ref"]: one for one in made["components"]}
    assert all("properties" in by_ref[ref] for ref in pinned - reached)
    assert made == sbom.document()


def test_the_bill_of_materials_follows_the_schema(tmp_path: Path) -> None:
    validation = pytest.importorskip("cyclonedx.validation.json", reason="needs cyclonedx-python-lib[json-validation]")
    from cyclonedx.schema import SchemaVersion

    path = tmp_path / "ragbench.cdx.json"
    subprocess.run([sys.executable, str(ROOT / "docs" / "sbom.py"), str(path)], check=True)
    text = path.read_text(encoding="utf-8")
    validator = validation.JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    broken = json.loads(text)
    broken["components"][0]["type"] = "spare part"
    assert validator.validate_str(json.dumps(broken)) is not None
