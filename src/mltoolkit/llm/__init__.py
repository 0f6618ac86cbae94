"""Language models: attention, transformers, tokenizers, objectives, decoding. Needs PyTorch."""

import lazy_loader

from mltoolkit.errors import naming_the_extra

_attached, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "pieces": ["BYTE_ORDER", "PATTERN", "pre_tokenize", "spell", "unspell"],
        "tokenizer": ["BPETokenizer", "Tokenizer", "UnigramTokenizer"],
        "tokenizer_json": ["read_tokenizer", "write_tokenizer"],
    },
)
__getattr__ = naming_the_extra(_attached, "llm", "torch", "safetensors", "tokenizers", "transformers")
