"""A trained model in the formats of other programs: transformers, llama.cpp, Ollama, LM Studio."""
