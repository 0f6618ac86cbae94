"""Language models: attention, a transformer and its pretraining, tokenizers."""

import lazy_loader

from mltoolkit.errors import naming_the_extra

_attached, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cache": ["KVCache"],
        "configuration": ["RopeScaling", "TransformerConfig"],
        "gpt": ["GPT"],
        "muon": ["Muon"],
        "pieces": ["BYTE_ORDER", "PATTERN", "pre_tokenize", "spell", "unspell"],
        "pretraining": ["Recipe", "next_token_loss", "plain_recipe", "pretrain", "validation_loss"],
        "tokenizer": ["BPETokenizer", "Tokenizer", "UnigramTokenizer"],
        "tokenizer_json": ["read_tokenizer", "write_tokenizer"],
        "transformer": [
            "MultiHeadAttention",
            "RMSNorm",
            "SwiGLU",
            "Transformer",
            "apply_rotary",
            "rotary_table",
            "scaled_dot_product_attention",
        ],
    },
)
__getattr__ = naming_the_extra(_attached, "llm", "torch", "safetensors", "tokenizers", "transformers")
