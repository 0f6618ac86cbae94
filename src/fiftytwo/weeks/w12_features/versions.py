"""A file from another day: the toolkit's own, with other versions in its description and a checksum that fits."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pandas as pd

from mltoolkit.errors import CannotRead
from mltoolkit.tabular import FeaturePipeline, RobustScaler, load_pipeline, save_pipeline
from mltoolkit.tabular._pipeline_files import pack, unpack


def another_version() -> tuple[str, str]:
    """What came of loading a pickle that another NumPy wrote: the kind of error and its text."""
    frame = pd.DataFrame({"income": [1.0, 2.0, 3.0]})
    pipeline = FeaturePipeline([("scale", RobustScaler(), ["income"])]).fit(frame)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline"
        save_pipeline(pipeline, path, format="joblib")
        facts, payload = unpack(path, path.read_bytes())
        content = pack({**facts, "versions": {**facts["versions"], "numpy": "1.0.0"}}, payload)
        path.write_bytes(content)
        try:
            load_pipeline(path, sha256=hashlib.sha256(content).hexdigest())
        except CannotRead as error:
            return "CannotRead", str(error).replace(f"{folder}/", "")
    return "nothing", ""
