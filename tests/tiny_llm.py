"""A random causal language model small enough to train in a test, with tokenizer and chat template."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

CONTEXT = 4096
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
"""End of text and padding, then the two marks of ChatML."""

TEXTS = (
    "The survey of households in 2019 used data from the World Bank. The paragraph mentions a dataset.",
    '{"label": "yes", "mentions": ["census", "survey"], "score": 3, "is_named": true, "why": null}',
    '{"name": "annotate", "arguments": {"answer": "no", "confidence": 0.5}}',
    "You are an annotator. Read the text and answer with JSON only. What does the sentence say?",
    "system user assistant tool tools function parameters type object properties string integer number",
)

# Like Qwen's: tools in the system turn, calls in <tool_call> tags, results in the user's turn. Each message
# renders without looking at what follows, so that a prompt is a prefix of the whole.
CHAT_TEMPLATE = """\
{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- if messages[0].role == 'system' %}{{- messages[0].content + '\\n\\n' }}{%- endif %}
    {{- '<tools>' }}
    {%- for tool in tools %}{{- '\\n' + (tool | tojson) }}{%- endfor %}
    {{- '\\n</tools><|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {{- '<|im_start|>user\\n' + message.content + '<|im_end|>\\n' }}
    {%- elif message.role == 'tool' %}
        {{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
    {%- elif message.role == 'assistant' %}
        {{- '<|im_start|>assistant\\n' + (message.content or '') }}
        {%- for call in message.tool_calls or [] %}
            {%- set function = call.function or call %}
            {{- '<tool_call>\\n{"name": "' + function.name + '", "arguments": ' }}
            {{- function.arguments if function.arguments is string else (function.arguments | tojson) }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
"""


def make_tiny_llm(
    folder: str | os.PathLike[str],
    seed: int = 0,
    *,
    hidden: int = 64,
    layers: int = 2,
    merges: int = 256,
    texts: Sequence[str] = TEXTS,
    context: int = CONTEXT,
    chat_template: str | None = CHAT_TEMPLATE,
    tied: bool = False,
) -> Path:
    """Write a random model of the Llama family with its tokenizer into a folder, which is returned.

    The folder is a plain Hugging Face one: `config.json`, `model.safetensors`, `tokenizer.json`,
    `generation_config.json`, `chat_template.jinja`. The same arguments give the same bytes. Byte-level BPE:
    any text is encoded, and decodes to itself.

    Args:
        seed: of the weights.
        hidden: width, a multiple of 8.
        merges: of the tokenizer, beyond the 256 bytes and the special tokens.
        texts: that the tokenizer learns its merges from.
        context: tokens that there are positions for.
        chat_template: None for a base model without one.
        tied: whether input and output share one matrix.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + len(SPECIAL) + merges,
        special_tokens=[*SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>", model_max_length=context
    )
    tokenizer.chat_template = chat_template
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=context,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=tied,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).eval()
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    folder = Path(folder)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
