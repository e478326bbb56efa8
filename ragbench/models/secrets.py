"""Keep keys out of settings, and so out of logs, stores and manifests."""

from collections.abc import Mapping

from ragbench.core.errors import SettingError

NAMES = ("api_key", "apikey", "secret", "password", "token", "credential", "authorization")


def refuse_secrets(what: str, params: Mapping[str, object], path: str = "params") -> None:
    """Refuse settings whose name suggests a key.

    Args:
        what: the owner of the settings, for the message.
        params: the settings, checked recursively.
        path: the name of the settings in the message.

    Raises:
        SettingError: a setting looks like a key. The message does not contain its value.
    """
    for name, value in params.items():
        lowered = name.lower().replace("-", "_")
        counts_tokens = lowered.startswith("max_") or lowered.endswith("tokens")
        if any(word in lowered for word in NAMES) and not counts_tokens:
            raise SettingError(
                f"{what}: {path}.{name} looks like a key. Keys come from the environment only: "
                "set the variable that the provider reads, and leave this out"
            )
        if isinstance(value, Mapping):
            refuse_secrets(what, {str(key): item for key, item in value.items()}, f"{path}.{name}")
