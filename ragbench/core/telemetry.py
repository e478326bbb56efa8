"""Telemetry of dependencies is off before any of them is imported.

`import ragbench` calls `switch_off`, so it holds for the command, for the library and for the processes that they
start. Most libraries ask the environment once, when they are imported: one that a program imports before ragbench
is the program's own.
"""

import os

OFF = {
    "DO_NOT_TRACK": "1",  # several projects: https://consoledonottrack.com
    "ANONYMIZED_TELEMETRY": "False",  # Chroma
    "HF_HUB_DISABLE_TELEMETRY": "1",  # Hugging Face: huggingface_hub, datasets, sentence-transformers
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",  # ONNX Runtime
    "RAGAS_DO_NOT_TRACK": "true",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "SCARF_NO_ANALYTICS": "true",  # packages that count downloads and imports by Scarf
}
"""What each library must find in the environment."""


def switch_off() -> None:
    """Set the variables of `OFF`, whatever they were: documents and questions are nobody's telemetry."""
    os.environ.update(OFF)
