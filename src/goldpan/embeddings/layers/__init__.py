"""Encoder layers written by hand, because they are measured to be faster than transformers' own on a CPU.

Only `goldpan.embeddings.layouts` knows of them: it hands out `EndToEnd` as a `LaidOutModel` where that can
take a model, and elsewhere, or with `layers: transformers` in the study, `Padded`, which calls the model
itself. `tests/unit/test_embeddings_layouts.py` compares the two for each of `end_to_end.MODELS`.
"""
