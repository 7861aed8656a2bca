"""Heads: small models from embeddings to labels; their training, what they can do, and annotated files."""
