"""Write a software bill of materials of ``pip install ragbench`` as CycloneDX JSON: ``python docs/sbom.py OUT``.

Versions and hashes are those of `requirements.txt`, licences those of `reference/licences.md`. The same inputs
give the same bytes.

Source: CycloneDX specification 1.6 (ECMA-424), https://cyclonedx.org/docs/1.6/json/
"""

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any, NamedTuple

from licences import read_page
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.txt"
INDEX = "https://pypi.org/project"


class Pinned(NamedTuple):
    """One package of a lock file, with the SHA-256 of each of its files."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Its package URL, which is also its reference in the document."""
        return f"pkg:pypi/{self.name}@{self.version}"


def read_lock(path: Path = LOCK) -> Iterator[Pinned]:
    """Read a lock file of ``make hashes``."""
    for entry in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        one = Requirement(entry.partition(" --hash")[0].strip())
        (version,) = (it.version for it in one.specifier)
        hashes = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
        yield Pinned(canonicalize_name(one.name), version, str(one.marker or ""), hashes)


def document() -> dict[str, Any]:
    """The bill of materials."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    itself = Pinned(project["name"], project["version"], "", ())
    pinned = tuple(read_lock())
    licences = read_page()
    components = [_component(one, licences[one.name][0]) for one in pinned]
    needs = {itself.purl: _named(project["dependencies"], pinned)}
    needs |= {one.purl: _named(_requires(one.name), pinned) for one in pinned}
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _component(itself, project["license"])},
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": names} for ref, names in needs.items()],
    }
    return {**made, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(made))}"}


def _component(one: Pinned, licence: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "library", "bom-ref": one.purl, "name": one.name, "version": one.version, "purl": one.purl,
        "licenses": [{"license": {"name": licence}} if licence == "BSD" else {"expression": licence}],
    }  # fmt: skip
    if one.hashes:
        hashes = [{"alg": "SHA-256", "content": content} for content in one.hashes]
        made["externalReferences"] = [
            {"type": "distribution", "url": f"{INDEX}/{one.name}/{one.version}/#files", "hashes": hashes}
        ]
    if one.marker:
        made["properties"] = [{"name": "python:marker", "value": one.marker}]
    return made


def _named(lines: list[str], pinned: tuple[Pinned, ...]) -> list[str]:
    """References of the packages that these requirements name, without those of extras. A package may have a version
    for each Python.
    """
    wanted = [Requirement(line) for line in lines]
    names = {canonicalize_name(it.name) for it in wanted if "extra" not in str(it.marker or "")}
    return sorted(one.purl for one in pinned if one.name in names)


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # a package for another system
        return []


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=1) + "\n", encoding="utf-8")
