"""YAML that people wrote."""

from typing import Any

from ragbench.core.errors import InputError


def parse_yaml(where: str, text: str) -> Any:
    """What the text holds, plain types only.

    Args:
        where: the file, for messages.
        text: YAML, or JSON.

    Raises:
        InputError: it cannot be read.
    """
    import yaml

    try:
        return yaml.safe_load(text)
    except RecursionError:
        raise InputError(f"{where}: not YAML that can be read: nested too deep") from None
    except (yaml.YAMLError, ValueError, TypeError) as error:  # a date that is none, a key that cannot be one
        raise InputError(f"{where}: not YAML: {error}") from error
