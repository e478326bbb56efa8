"""Language models that run in this process: transformers, vLLM and llama.cpp."""
