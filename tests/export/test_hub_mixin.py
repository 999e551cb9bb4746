"""`striate.hub.HubModel`: the hub's own mixin over a trained network, tested without a network."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import striate
from striate.errors import OutputError, RunError
from striate.fitted.fitted import Fitted

huggingface_hub: Any = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
pytestmark = pytest.mark.filterwarnings("ignore:No validation image")
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
LABELS = np.array([7, 3, 40])[np.arange(60) % 3]


@pytest.fixture(scope="module")
def model() -> Fitted:
    return striate.fit("1x8x8: conv 2 3x3, relu, linear 3", IMAGES, LABELS, epochs=1)


def hub_model() -> Any:
    from striate.hub import HubModel

    return HubModel


def test_a_folder_is_saved_and_loaded_as_others_of_the_hub(model: Fitted, tmp_path: Path) -> None:
    kept = hub_model().of(model)
    assert isinstance(kept, huggingface_hub.ModelHubMixin)
    kept.save_pretrained(tmp_path / "one")
    names = sorted(each.name for each in (tmp_path / "one").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "network.svg", "training.svg"]
    for again in (
        hub_model().from_pretrained(tmp_path / "one"),
        striate.from_pretrained(tmp_path / "one"),
        pickle.loads(pickle.dumps(kept)),
    ):
        assert np.array_equal(again.predict_proba(IMAGES), model.predict_proba(IMAGES))
        assert again.classes.tolist() == [3, 7, 40]
    network = striate.from_json((tmp_path / "one/config.json").read_text())
    assert network == model.run.network
    card = huggingface_hub.ModelCard.load(tmp_path / "one/README.md")
    assert card.data.to_dict()["library_name"] == "striate"
    hub_model().from_pretrained(tmp_path / "one").save_pretrained(tmp_path / "two")
    assert (tmp_path / "two/config.json").read_bytes() == (tmp_path / "one/config.json").read_bytes()


def test_a_model_of_the_hub_is_fetched_by_the_hubs_library(model: Fitted, tmp_path: Path, monkeypatch) -> None:
    pushed, asked = model.push(tmp_path / "cached"), []

    def snapshot(name: str, **options: Any) -> str:
        asked.append((name, options))
        return str(pushed)

    monkeypatch.setattr("striate.hub.snapshot_download", snapshot)
    monkeypatch.setattr("huggingface_hub.hub_mixin.hf_hub_download", lambda **_: str(pushed / "config.json"))
    found = hub_model().from_pretrained("someone/model", revision="v1", local_files_only=True)
    assert np.array_equal(found.predict(IMAGES), model.predict(IMAGES))
    ((name, options),) = asked
    assert (name, options["revision"], options["local_files_only"]) == ("someone/model", "v1", True)
    assert options["allow_patterns"] == ["model.safetensors"]


def test_what_is_sent_is_the_folder_of_push(model: Fitted, monkeypatch) -> None:
    sent: dict[str, Any] = {}

    class Api:
        def __init__(self, **_: Any) -> None: ...

        def create_repo(self, repo_id: str, **_: Any) -> Any:
            return type("Repo", (), {"repo_id": repo_id})

        def upload_folder(self, *, repo_id: str, folder_path: Path, **_: Any) -> str:
            sent[repo_id] = sorted(each.name for each in Path(folder_path).iterdir())
            return "sent"

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
    assert hub_model().of(model).push_to_hub("someone/digits") == "sent"
    assert sent == {
        "someone/digits": ["README.md", "config.json", "model.safetensors", "network.svg", "training.svg"],
    }


def test_nothing_of_others_is_written_over_and_no_run_is_an_error(model: Fitted, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(OutputError, match="holds something else than a model that striate push wrote"):
        hub_model().of(model).save_pretrained(tmp_path)
    assert (tmp_path / "config.json").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="is not a run"):
        hub_model().from_pretrained(tmp_path / "empty")
