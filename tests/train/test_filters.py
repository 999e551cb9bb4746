"""The filters that a run keeps, epoch by epoch."""

import pytest
import torch

from striate import Conv, Flatten, Linear, Network, find
from striate.errors import RunError
from striate.modules import build
from striate.train import open_run
from striate.train.filters import FILE, MOST_FILTERS, MOST_FRAMES, keep_filters, load_filters


def test_a_run_has_a_frame_for_each_epoch_the_last_as_it_is_now(finished_run) -> None:
    frames = load_filters(finished_run / FILE)
    assert list(frames) == [0, 1, 2, 3]
    model = open_run(finished_run).model(checkpoint="last.safetensors")
    assert torch.equal(frames[3], model.get_parameter("conv1.weight").half())
    assert not torch.equal(frames[0], frames[1])
    assert (finished_run / FILE).stat().st_size < 4000


def test_of_a_long_training_few_are_kept_evenly_and_the_last(tmp_path) -> None:
    model = build(Network("one", (1, 4, 4), [Conv(1, kernel=1), Flatten(), Linear(2)]))
    file = tmp_path / FILE
    for epoch in range(151):
        keep_filters(file, model, epoch=epoch)
        assert len(load_filters(file)) <= MOST_FRAMES + 2
    assert list(load_filters(file)) == [*range(0, 149, 4), 150]


def test_what_lies_ahead_is_left_out_when_a_training_goes_back(tmp_path) -> None:
    model = build(find("lenet5"))
    for epoch in (0, 1, 2, 3, 2):
        keep_filters(tmp_path / FILE, model, epoch=epoch)
    assert list(load_filters(tmp_path / FILE)) == [0, 1, 2]


def test_large_layers_keep_some_filters_and_networks_without_a_convolution_none(tmp_path) -> None:
    keep_filters(tmp_path / "many", build(Network("many", (3, 8, 8), [Conv(80, kernel=3)])), epoch=0)
    assert load_filters(tmp_path / "many")[0].shape == (MOST_FILTERS, 3, 3, 3)
    keep_filters(tmp_path / "none", build(find("fully-connected")), epoch=0)
    assert load_filters(tmp_path / "none") == {}


def test_a_damaged_file_is_named(tmp_path) -> None:
    (tmp_path / FILE).write_bytes(b"no tensors")
    with pytest.raises(RunError, match="filters.safetensors is damaged"):
        load_filters(tmp_path / FILE)
