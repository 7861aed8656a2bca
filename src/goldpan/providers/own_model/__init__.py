"""A Hugging Face causal model of one's own answers chat requests: `kind: transformers`."""
