"""Weights in files, in the layout that Hugging Face's Llama has: ``config.json`` and ``model.safetensors``.

A folder written here opens with ``transformers.AutoModelForCausalLM.from_pretrained``, and a Llama's folder, whole
or in shards, opens here. Nothing is unpickled. ``transformers`` itself is not needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.io import atomic_write
from mltoolkit.llm.configuration import TransformerConfig

_CONFIG, _WEIGHTS, _INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
_OUTPUT = "lm_head.weight"
_PREFIX = "model."
_COMPUTED = ("rotary_emb.inv_freq",)  # buffers of older files, which the shape decides


class Pretrained(nn.Module):
    """A module that a :class:`TransformerConfig` shapes and that a folder can hold.

    Parameters
    ----------
    config : TransformerConfig

    Notes
    -----
    A subclass takes the config as its first argument and names its parameters as Hugging Face's Llama does, less
    the prefix ``model.``.
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config

    def save(self, folder: str | Path) -> None:
        """Write ``config.json`` and ``model.safetensors`` into a folder, each whole or not at all.

        Parameters
        ----------
        folder : str or Path
            Made when it is not there.
        """
        from safetensors.torch import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {
            name if name == _OUTPUT else _PREFIX + name: tensor.detach().cpu().contiguous()
            for name, tensor in self.state_dict().items()
            if not (name == _OUTPUT and self.config.tie_word_embeddings)
        }
        entries = self.config.to_huggingface() | {"dtype": str(next(self.parameters()).dtype).removeprefix("torch.")}
        atomic_write(folder / _WEIGHTS, save(weights, metadata={"format": "pt"}))
        atomic_write(folder / _CONFIG, json.dumps(entries, indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | Path, *, device: str | torch.device = "cpu") -> Self:
        """Read a folder that ``save`` or ``transformers`` wrote.

        Parameters
        ----------
        folder : str or Path
        device : str or torch.device, default "cpu"

        Raises
        ------
        CannotRead
            When a file is missing or is not what its name says.
        BadInput
            When the folder holds a model of another kind, or weights are missing, left over or of another shape.
        """
        folder = Path(folder)
        config = TransformerConfig.from_huggingface(_read_json(folder / _CONFIG))
        return cls._with(config, _read_weights(folder), str(folder)).to(device)

    @classmethod
    def from_huggingface(cls, model_or_folder: Any) -> Self:
        """Take over the weights of a Llama.

        Parameters
        ----------
        model_or_folder : LlamaForCausalLM, str or Path
            A model of the library ``transformers``, or a folder with ``config.json`` and safetensors files.

        Returns
        -------
        the class it is called on
            With copies of the weights.

        Raises
        ------
        CannotRead, BadInput
            As ``load``.
        """
        if isinstance(model_or_folder, str | Path):
            return cls.load(model_or_folder)
        if not hasattr(model_or_folder, "config") or not isinstance(model_or_folder, nn.Module):
            raise BadInput(
                f"from_huggingface: expected a folder or a LlamaForCausalLM, got {type(model_or_folder).__name__}"
            )
        described: Any = model_or_folder.config
        config = TransformerConfig.from_huggingface(described.to_dict())
        weights = {name: tensor.detach().clone() for name, tensor in model_or_folder.state_dict().items()}
        return cls._with(config, weights, type(model_or_folder).__name__)

    @classmethod
    def _with(cls, config: TransformerConfig, weights: Mapping[str, Tensor], source: str) -> Self:
        """A model of this shape with these weights, named as Hugging Face names them."""
        found = {name.removeprefix(_PREFIX): t for name, t in weights.items() if not name.endswith(_COMPUTED)}
        if config.tie_word_embeddings and "embed_tokens.weight" in found:
            found[_OUTPUT] = found["embed_tokens.weight"]
        model = cls(config)
        wanted = model.state_dict()
        faults = [f"{name} is missing" for name in wanted if name not in found]
        faults += [f"{name} is left over" for name in found if name not in wanted]
        faults += [
            f"{name} has shape {tuple(found[name].shape)}, expected {tuple(tensor.shape)}"
            for name, tensor in wanted.items()
            if name in found and found[name].shape != tensor.shape
        ]
        if faults:
            shown = "; ".join(faults[:8]) + (f"; and {len(faults) - 8} more" if len(faults) > 8 else "")
            raise BadInput(f"the weights of {source} do not fit its config: {shown}")
        kind = next(iter(found.values())).dtype
        model.to(kind).load_state_dict(found)
        return model


def _read_json(path: Path) -> dict[str, Any]:
    try:
        entries = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CannotRead(f"{path} cannot be read: {error.strerror}; a model's folder holds {_CONFIG}") from error
    except ValueError as error:
        raise CannotRead(f"{path} is not JSON: {error}") from error
    if not isinstance(entries, dict):
        raise CannotRead(f"{path} holds {type(entries).__name__}, expected an object with named entries")
    return entries


def _read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder, from one file or from its shards."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    files = [_WEIGHTS]
    if not (folder / _WEIGHTS).exists() and (folder / _INDEX).exists():
        files = sorted(set(_read_json(folder / _INDEX).get("weight_map", {}).values()))
        outside = [name for name in files if Path(name).name != name]
        if outside:
            raise CannotRead(f"{folder / _INDEX} names a file outside of its folder: {outside[0]!r}")
    weights: dict[str, Tensor] = {}
    for name in files:
        try:
            weights |= load_file(folder / name)
        except (OSError, SafetensorError) as error:
            raise CannotRead(f"{folder / name} cannot be read as safetensors: {error}") from error
    return weights
