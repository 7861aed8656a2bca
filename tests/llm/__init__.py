"""Tests with a real language model, by choice: `make test-llm`."""
