"""A session with AWS, checked before the first call."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

from ragbench.core.errors import SettingError


def session(what: str, params: Mapping[str, Any], setting: str = "params region_name") -> Any:
    """The ``boto3.Session`` of a model, which has a region and credentials.

    Args:
        what: the model, for messages.
        params: its arguments; ``region_name`` and ``credentials_profile_name`` count.
        setting: how else the user can set the region, for the message.

    Raises:
        ImportError: boto3 is not installed.
        SettingError: there is no region, or there are no credentials.
    """
    # By name: the library has no types, and type checking must not need it.
    boto3: Any = importlib.import_module("boto3")
    # langchain-aws reads AWS_REGION too, boto3 does not.
    region = params.get("region_name") or os.environ.get("AWS_REGION")
    found = boto3.Session(profile_name=params.get("credentials_profile_name"), region_name=region)
    if not found.region_name:
        raise SettingError(f"{what} needs a region: set AWS_REGION, or {setting}")
    if found.get_credentials() is None and not os.environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        raise SettingError(
            f"{what} needs AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return found
