"""Embeddings: one vector for each record, by a language model's encoder, in HDF5 files with a journal."""
