"""A trained network with the methods that models of the Hugging Face hub have, by `huggingface_hub`'s own mixin.

Imported as `from striate.hub import HubModel`; it needs the extra `hub`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from striate.errors import RequirementError
from striate.export.hub.write import WEIGHTS, require_own
from striate.extras import install
from striate.fitted.fitted import Fitted
from striate.fitted.pretrained import open_pretrained

try:
    from huggingface_hub import ModelHubMixin, snapshot_download
except ImportError:
    raise RequirementError("huggingface_hub is not installed.", "striate.hub needs it.", install("hub")) from None


class HubModel(Fitted, ModelHubMixin, library_name="striate"):
    """A trained network that also has `from_pretrained`, `save_pretrained` and `push_to_hub`, as models of the hub do.

    `from_pretrained` takes a folder of this machine, or the name of a model of the hub, of which it downloads the
    weights; nothing of it is executed. `save_pretrained` writes the folder of `striate push`; `push_to_hub` sends it.

    >>> import tempfile
    >>> from striate import fit
    >>> from striate.data import load
    >>> digits = load("mnist", "test").images[:200, 0].numpy()
    >>> model = fit("1x28x28: conv 2 9x9 /5, relu, linear 2", digits, digits.mean((1, 2)) > 33, epochs=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     HubModel.of(model).save_pretrained(f"{folder}/bright")
    ...     again = HubModel.from_pretrained(f"{folder}/bright")
    ...     bool((again.predict(digits) == model.predict(digits)).all())
    True
    """

    @classmethod
    def of(cls, model: Fitted) -> HubModel:
        """The same trained network, of `striate.fit` or `striate.from_pretrained`, with these methods."""
        return cls(model.run, values=model.classes, validation=model.validation, held=model.held)

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> str | None:
        """Write the layout of the hub into a folder. Raises OutputError where something else is in its place."""
        require_own(Path(save_directory))  # before the mixin, which removes a config.json
        return super().save_pretrained(save_directory, **options)

    def _save_pretrained(self, save_directory: Path) -> None:
        self.push(save_directory)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> HubModel:
        """The model of a folder, or of the hub's files; `options` are those of `huggingface_hub.snapshot_download`."""
        if os.path.lexists(model_id):
            return cls(open_pretrained(model_id))
        return cls(open_pretrained(snapshot_download(model_id, allow_patterns=[WEIGHTS], **options)))
