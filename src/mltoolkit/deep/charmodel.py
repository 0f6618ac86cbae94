"""A character-level language model: an embedding, a recurrent core, a linear head, and the state carried along.

A character says the same to the gates wherever it stands. The input's product is therefore taken once for each
character of the vocabulary and looked up, not once for each position: the same numbers, for the price of a table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from mltoolkit.deep._recurrence.arguments import check_sizes
from mltoolkit.deep.recurrent import GRU, LSTM, RNN
from mltoolkit.errors import BadInput, CannotRead
from mltoolkit.io import atomic_write, read_json, write_json

UNKNOWN = "\ufffd"  # stands for every character that the vocabulary does not have
CORES = {"rnn": RNN, "lstm": LSTM, "gru": GRU}
_CONFIG, _WEIGHTS = "config.json", "model.safetensors"


class CharModel(nn.Module):
    """A recurrent model of text, one character at a time.

    Parameters
    ----------
    vocabulary : str
        The characters that it knows, each once; :meth:`vocabulary_of` makes one from a text. Give it text of the
        training part alone.
    core : {"rnn", "lstm", "gru"}, default "lstm"
        Which recurrence.
    embedding_size : int, optional
        Width of the embedding; one-hot when left out, which is an embedding as wide as the vocabulary.
    hidden_size : int, default 256
        H, width of the hidden state of each layer.
    num_layers : int, default 1
        Layers of the core.
    dropout : float, default 0.0
        Share of the hidden states that are set to 0 in training, between layers and before the head.
    forget_bias : float, default 1.0
        Added to the forget gate's bias of an LSTM at the start, so that it begins by remembering.

    Raises
    ------
    ValueError
        When the vocabulary has fewer than two characters or one twice, ``core`` is none of the names, or a size or
        the dropout is out of range.

    References
    ----------
    Graves, A. (2013). Generating sequences with recurrent neural networks. arXiv:1308.0850.
    Jozefowicz, R., Zaremba, W., Sutskever, I. (2015). An empirical exploration of recurrent network architectures.
    *ICML*.

    Examples
    --------
    >>> model = CharModel(CharModel.vocabulary_of("a rose is a rose"), core="gru", hidden_size=8)
    >>> logits, state = model(model.encode("rose")[None])
    >>> logits.shape
    torch.Size([1, 4, 8])
    """

    def __init__(
        self,
        vocabulary: str,
        *,
        core: str = "lstm",
        embedding_size: int | None = None,
        hidden_size: int = 256,
        num_layers: int = 1,
        dropout: float = 0.0,
        forget_bias: float = 1.0,
    ) -> None:
        super().__init__()
        faults = []
        if len(vocabulary) < 2 or len(set(vocabulary)) != len(vocabulary):
            faults.append("vocabulary must be a text of at least two characters, each of them once")
        if core not in CORES:
            faults.append(f"core={core!r} must be one of {', '.join(map(repr, CORES))}")
        if faults:
            raise BadInput("; ".join(faults))
        check_sizes(**({} if embedding_size is None else {"embedding_size": embedding_size}))
        self.config = {
            "vocabulary": vocabulary, "core": core, "embedding_size": embedding_size, "hidden_size": hidden_size,
            "num_layers": num_layers, "dropout": dropout,
        }  # fmt: skip
        self.vocabulary = vocabulary
        self._index = {character: i for i, character in enumerate(vocabulary)}
        self.embedding = None if embedding_size is None else nn.Embedding(len(vocabulary), embedding_size)
        width = len(vocabulary) if embedding_size is None else embedding_size
        self.core = CORES[core](width, hidden_size, num_layers, batch_first=True, dropout=dropout)
        self.head = nn.Linear(hidden_size, len(vocabulary))
        if core == "lstm":
            for layer in range(num_layers):
                bias = getattr(self.core, f"bias_ih_l{layer}").data
                bias[hidden_size : 2 * hidden_size] += forget_bias

    @staticmethod
    def vocabulary_of(text: str) -> str:
        """The characters of a text in order, behind the one that stands for all others."""
        return UNKNOWN + "".join(sorted(set(text) - {UNKNOWN}))

    def encode(self, text: str) -> Tensor:
        """A text as int64 of shape (T,), from 0 to below V.

        Raises
        ------
        ValueError
            When a character is not in the vocabulary, and no place is kept for unknown ones.
        """
        unknown = self._index.get(UNKNOWN)
        if unknown is None and (strange := sorted(set(text) - set(self.vocabulary))):
            raise BadInput(f"encode: {''.join(strange)!r} not in the vocabulary; build one with vocabulary_of")
        return torch.tensor([self._index.get(character, unknown) for character in text], dtype=torch.int64)

    def decode(self, ids: Tensor) -> str:
        """The text that ids of shape (T,) stand for."""
        return "".join(self.vocabulary[i] for i in ids.tolist())

    def forward(self, ids: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        """Predict each next character.

        Parameters
        ----------
        ids : Tensor of int64, shape (B, T)
        state : Tensor of shape (num_layers, B, H), for an LSTM a pair of them, optional
            What an earlier call gave back; zeros when left out.

        Returns
        -------
        logits : Tensor of shape (B, T, V)
        state : as given
            After the last character.
        """
        if ids.ndim != 2 or ids.numel() == 0:
            raise BadInput(f"CharModel: ids have shape {tuple(ids.shape)}, expected (B, T), not empty")
        characters = torch.eye(len(self.vocabulary)) if self.embedding is None else self.embedding.weight
        table = self.core.project(characters.to(self.head.weight))
        hidden, state = self.core.unroll(nn.functional.embedding(ids.T, table), state)
        hidden = nn.functional.dropout(hidden, self.core.dropout, self.training)
        return self.head(hidden).transpose(0, 1), state

    @torch.no_grad()
    def nats(self, ids: Tensor, *, streams: int = 16, window: int = 256) -> float:
        """Mean cross-entropy of a text in nats a character; its exponential is the perplexity.

        Parameters
        ----------
        ids : Tensor of int64, shape (N,)
        streams : int, default 16
            The text is cut into so many streams of equal length, which are read side by side; each starts with a state
            of zeros. Up to ``streams - 1`` characters at the end are left out.
        window : int, default 256
            Characters of each stream at once; changes the memory that is needed, not the result.

        Raises
        ------
        ValueError
            When the text is too short for so many streams.
        """
        x, y = as_streams(ids, streams)
        was_training, total, state = self.training, 0.0, None
        self.eval()
        for start in range(0, x.shape[1], window):
            logits, state = self(x[:, start : start + window], state)
            targets = y[:, start : start + window]
            total += float(nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum"))
        self.train(was_training)
        return total / y.numel()

    @torch.no_grad()
    def sample(
        self, length: int, *, prompt: str = "\n", temperature: float = 1.0, generator: torch.Generator | None = None
    ) -> str:
        """Write on from a prompt.

        Parameters
        ----------
        length : int
            Characters to write.
        prompt : str, default a new line
            What is read before; at least one character.
        temperature : float, default 1.0
            Divides the logits: below 1 the likely becomes likelier, above 1 everything more alike. Above 0.
        generator : torch.Generator, optional
            Where the chance comes from; PyTorch's own when left out.

        Returns
        -------
        str
            The new characters, without the prompt.
        """
        if not prompt or not temperature > 0:
            raise BadInput(f"sample: prompt={prompt!r} must not be empty and temperature={temperature!r} be above 0")
        was_training = self.training
        self.eval()
        device = self.head.weight.device
        ids, state, written = self.encode(prompt)[None].to(device), None, []
        forbidden = self._index.get(UNKNOWN)
        for _ in range(length):
            logits, state = self(ids, state)
            scores = logits[0, -1] / temperature
            if forbidden is not None:
                scores[forbidden] = -torch.inf
            ids = torch.multinomial(torch.softmax(scores, 0), 1, generator=generator)[None]
            written.append(ids[0, 0])
        self.train(was_training)
        return self.decode(torch.stack(written)) if written else ""

    def save(self, folder: Path | str) -> None:
        """Write weights (``model.safetensors``), sizes and vocabulary (``config.json``) into a folder."""
        from safetensors.torch import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self.state_dict().items()}
        atomic_write(folder / _WEIGHTS, save(weights))
        write_json(self.config, folder / _CONFIG)  # last: a folder with a config is whole

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read a model that :meth:`save` wrote; it comes back ready to predict.

        Raises
        ------
        CannotRead
            When the folder holds no such model, or its two files do not fit each other.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        config = read_json(folder / _CONFIG)
        try:
            model = cls(**config)
            model.load_state_dict(load_file(folder / _WEIGHTS))
        except (TypeError, BadInput, RuntimeError, SafetensorError, FileNotFoundError) as error:
            reason = str(error).splitlines()[0]
            raise CannotRead(f"{folder.name} is no character model: {reason}; save it again") from error
        return model.eval()


def as_streams(ids: Tensor, streams: int) -> tuple[Tensor, Tensor]:
    """Cut a text into contiguous streams of equal length, side by side.

    Parameters
    ----------
    ids : Tensor of int64, shape (N,)
    streams : int
        B, at least 1.

    Returns
    -------
    x, y : Tensor of shape (B, T), T = (N - 1) // B
        Row b of ``x`` goes on where row b - 1 ended; ``y`` is one character ahead.

    Raises
    ------
    ValueError
        When ``ids`` is not one text with at least ``streams + 1`` characters.
    """
    check_sizes(streams=streams)
    if ids.ndim != 1 or len(ids) <= streams:
        raise BadInput(f"ids have shape {tuple(ids.shape)}, expected (N,) with N > {streams} for {streams} streams")
    length = (len(ids) - 1) // streams
    used = length * streams
    return ids[:used].view(streams, length), ids[1 : used + 1].view(streams, length)
