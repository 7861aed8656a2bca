"""A Hugging Face causal model of one's own answers chat requests: `kind: transformers`.

Imported from `own_model.answerer`; nothing heavy is loaded before the first request.
"""
