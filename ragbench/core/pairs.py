"""Options that hold several named values: ``NAME=VALUE,NAME=VALUE``."""

from ragbench.core.errors import SettingError


def pairs(option: str, written: str | None, form: str = "NAME=VALUE") -> dict[str, str]:
    """Parse ``NAME=VALUE,NAME=VALUE`` into a dict. None gives an empty one.

    Args:
        option: the option that holds the text, for the message.
        written: the text.
        form: the form of one part, for the message.

    Raises:
        SettingError: a part has another form, or a name occurs twice.
    """
    found: dict[str, str] = {}
    for part in (written or "").split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if not (name and equals and value):
            raise SettingError(f"{option}: {part.strip()!r} is not of the form {form}; write {form},{form}")
        if name in found:
            raise SettingError(f"{option}: {name!r} is given twice")
        found[name] = value
    return found
