"""``NAME=VALUE,NAME=VALUE``."""

import pytest

from ragbench.core.errors import SettingError
from ragbench.core.options import pairs


@pytest.mark.parametrize(
    ("written", "found"),
    [(None, {}), ("", {}), ("a=b", {"a": "b"}), (" a = b , c=d=e,", {"a": "b", "c": "d=e"})],
)
def test_names_and_values(written: str | None, found: dict[str, str]) -> None:
    assert pairs("--x", written) == found


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("a", "--x: 'a' is not of the form NAME=VALUE; write NAME=VALUE,NAME=VALUE"),
        ("a=", "'a=' is not of the form"),
        ("=b", "'=b' is not of the form"),
        ("a=b,a=c", "--x: 'a' is given twice"),
    ],
)
def test_what_is_written_otherwise_is_told(written: str, told: str) -> None:
    with pytest.raises(SettingError) as error:
        pairs("--x", written)
    assert told in str(error.value)
