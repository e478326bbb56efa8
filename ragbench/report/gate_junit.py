"""A gate as JUnit XML: a test case for each rule."""

import re
import xml.etree.ElementTree as ET

from ragbench.harness.gate.result import Decided, Gate
from ragbench.report.gate_words import bound, room, value_with_interval

SUITE = "ragbench gate"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


def gate_junit(gate: Gate) -> bytes:
    """UTF-8 XML; a rule that fails is a failure, one that is inconclusive an error, a slice too small is skipped."""
    counts = {name: sum(one.outcome == name for one in gate.decided) for name in ("fail", "inconclusive", "skipped")}
    numbers = {
        "name": SUITE,
        "tests": str(len(gate.decided)),
        "failures": str(counts["fail"]),
        "errors": str(counts["inconclusive"]),
        "skipped": str(counts["skipped"]),
        "time": "0",
    }
    root = ET.Element("testsuites", numbers)
    suite = ET.SubElement(root, "testsuite", numbers)
    for one in gate.decided:
        _case(suite, one, clean(gate.candidate.name))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _case(suite: ET.Element, one: Decided, candidate: str) -> None:
    case = ET.SubElement(suite, "testcase", {"name": clean(one.name), "classname": f"gate.{candidate}", "time": "0"})
    numbers = f"{value_with_interval(one)}, asked {bound(one)}, to turn {room(one)}"
    tag = {"fail": "failure", "inconclusive": "error", "skipped": "skipped"}.get(one.outcome)
    if tag is not None:
        message = clean(f"{one.outcome}: {one.reason}")
        found = ET.SubElement(case, tag, {"message": message})
        if tag != "skipped":
            found.set("type", one.outcome)
            found.text = clean(numbers)
    ET.SubElement(case, "system-out").text = clean(f"{numbers} ({one.method or 'nothing worked out'})")


def clean(text: str) -> str:
    """The text with what XML cannot hold shown as U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)
