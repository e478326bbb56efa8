"""A batch API by the model's name."""

import os
from collections.abc import Mapping

from ragbench.core.errors import SettingError
from ragbench.models.llm.batch.base import BatchService
from ragbench.models.llm.batch.bedrock import BedrockJobs
from ragbench.models.llm.batch.openai import OpenAIFiles


def service_for(model: str, place: Mapping[str, str], *, role_arn: str = "") -> BatchService:
    """The service; nothing is sent yet.

    Args:
        model: ``openai:NAME``, ``openai_compatible:NAME``, ``bedrock_converse:NAME`` or ``bedrock:NAME``.
        place: ``base_url`` for OpenAI and its like; ``s3_uri`` and ``region`` for Bedrock.
        role_arn: for beginning batches on Bedrock.

    Raises:
        SettingError: another provider, or a place that cannot be used.
        MissingExtra: the provider's library is not installed.
    """
    provider, _, name = model.partition(":")
    if provider in ("openai", "openai_compatible"):
        base_url = place.get("base_url", "")
        if not base_url and not os.environ.get("OPENAI_API_KEY"):
            raise SettingError(f"batches of {model!r} need a key: set the environment variable OPENAI_API_KEY")
        return OpenAIFiles(name, base_url)
    if provider in ("bedrock", "bedrock_converse"):
        return BedrockJobs(name, place.get("s3_uri", ""), role_arn, place.get("region", ""))
    raise SettingError(
        f"language model {model!r}: batches work with openai:, openai_compatible:, "
        "bedrock_converse: and bedrock: models; "
        "use ragbench generate for this one"
    )
