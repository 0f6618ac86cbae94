"""What a training run looked like: a record at the end of each epoch or at each validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Record:
    """Where a run stood.

    ``step`` and ``epoch`` count what is done; ``loss`` is the mean training loss over the rows since the record
    before; ``rate`` the learning rate of the last step; ``metrics`` what ``validate`` returned.
    """

    step: int
    epoch: int
    loss: float
    rate: float
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """The records of a run, in order."""

    records: tuple[Record, ...] = ()

    def frame(self) -> pd.DataFrame:
        """One row a record: step, epoch, loss, rate, and each metric as ``validation_NAME``."""
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for record in self.records:
            row = asdict(record)
            metrics = row.pop("metrics")
            rows.append(row | {f"validation_{name}": value for name, value in metrics.items()})
        return pd.DataFrame(rows, columns=None if rows else ["step", "epoch", "loss", "rate"])

    @property
    def best(self) -> Record:
        """The record with the lowest validation loss; with the lowest training loss where none was measured.

        Raises
        ------
        LookupError
            When there is no record.
        """
        if not self.records:
            raise LookupError("the run has no record yet")
        validated = [record for record in self.records if "loss" in record.metrics]
        if validated:
            return min(validated, key=lambda record: record.metrics["loss"])
        return min(self.records, key=lambda record: record.loss)
