"""``NAME=VALUE,NAME=VALUE``, as options hold several named things."""

from ragbench.core.errors import SettingError


def pairs(option: str, written: str | None, form: str = "NAME=VALUE") -> dict[str, str]:
    """Value by name; empty for None.

    Args:
        option: what it is the value of, for the message.
        written: the text.
        form: how a part is written, for the message.

    Raises:
        SettingError: a part is of another form, or a name is there twice.
    """
    found: dict[str, str] = {}
    for part in (written or "").split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not (name and equals and value):
            raise SettingError(f"{option}: {part.strip()!r} is not of the form {form}; write {form},{form}")
        if name in found:
            raise SettingError(f"{option}: {name!r} is there twice")
        found[name] = value
    return found
