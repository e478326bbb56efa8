"""JUnit XML: the results of rules as the test cases that CI services show."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ragbench.core.foreign import in_lines

Tag = Literal["", "failure", "error", "skipped"]
"""What a case is besides passed."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot represent."""


@dataclass(frozen=True)
class JunitCase:
    """One rule as a test case.

    Attributes:
        name: of the rule.
        group: class name of the case; a service groups the cases by it.
        tag: how it ended; empty if it passed.
        message: why it did not pass.
        kind: type of a failure or error.
        details: text of a failure or error.
        output: what is shown of any case.
    """

    name: str
    group: str
    tag: Tag
    message: str = ""
    kind: str = ""
    details: str = ""
    output: str = ""


def junit(suite: str, cases: Sequence[JunitCase]) -> bytes:
    """The cases as one suite, in UTF-8. Characters that cannot be seen, or that XML cannot represent, are replaced."""
    tags = [case.tag for case in cases]
    numbers = {
        "name": suite,
        "tests": str(len(cases)),
        "failures": str(tags.count("failure")),
        "errors": str(tags.count("error")),
        "skipped": str(tags.count("skipped")),
        "time": "0",
    }
    root = ET.Element("testsuites", numbers)
    parent = ET.SubElement(root, "testsuite", numbers)
    for case in cases:
        _add(parent, case)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add(suite: ET.Element, case: JunitCase) -> None:
    names = {"name": clean(case.name), "classname": clean(case.group), "time": "0"}
    element = ET.SubElement(suite, "testcase", names)
    if case.tag:
        found = ET.SubElement(element, case.tag, {"message": clean(case.message)})
        if case.tag != "skipped":
            found.set("type", case.kind)
            found.text = clean(case.details)
    ET.SubElement(element, "system-out").text = clean(case.output)


def clean(text: str) -> str:
    """The text without characters that cannot be seen, or that XML cannot represent."""
    return _NOT_XML.sub("\ufffd", in_lines(text))
