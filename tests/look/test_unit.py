"""What is said of a unit: its sum is its value, its weights are the layer's, its field is where its gradient lies."""

import pytest
import torch

from striate import Network, find, from_text
from striate.accounting.unit import seen
from striate.description.layers import RBF
from striate.description.network import INPUT
from striate.errors import SpecError, UnknownNameError
from striate.look.unit import explain, step_number
from tests.support.networks import ODD
from tests.support.pictures import picture, places
from tests.support.serving import fresh
from tests.support.small import small


@pytest.mark.parametrize(
    "network", [find("lenet5"), ODD, small(find("resnet20-cifar")), small(find("googlenet"))], ids=lambda net: net.name
)
def test_the_parts_add_up_to_the_value_in_every_layer(network: Network, tmp_path) -> None:
    predictor = fresh(network, tmp_path / "run")
    watched = predictor.watch(picture(network))
    for number, step in enumerate(predictor.plan.steps):
        if step.head:
            continue
        for place in places(step.output):
            value = float(watched.outputs[number][place if len(step.output) == 3 else place[0]])
            found = explain(predictor, watched.outputs, number, place)
            assert found.value == value
            total = sum(term.value for term in found.terms) + found.others[1] + (found.bias or 0.0)
            if found.terms:
                assert total == pytest.approx(value, rel=1e-4, abs=1e-4), step.path
            for term in found.terms:
                if term.weights and not isinstance(step.layer, RBF):
                    product = (torch.tensor(term.patch) * torch.tensor(term.weights)).sum().item()
                    assert product == pytest.approx(term.value, rel=1e-4, abs=1e-4)
            assert f"{value:.3f}".replace("-", "−") in found.formula or "0: a map of zeros" in found.formula


def test_only_what_a_filter_is_linked_to_is_named(tmp_path) -> None:
    predictor = fresh(find("lenet5"), tmp_path / "run")
    watched = predictor.watch(picture(predictor.run.network))
    number = step_number(predictor.plan, "C3")
    found = explain(predictor, watched.outputs, number, (0, 3, 4))
    assert [term.label for term in found.terms] == ["map 0", "map 1", "map 2"]
    patch = torch.tensor(found.terms[1].patch)
    assert torch.equal(patch, watched.outputs[step_number(predictor.plan, "tanh2")][1, 3:8, 4:9])


@pytest.mark.parametrize(
    ("words", "counts"),
    [
        ("max 3 /2 pad 1", [4, 6, 4]),
        ("average 3 /2 pad 1", [9, 9, 9]),
        ("average 3 /2 pad 1 uncounted", [4, 6, 4]),
        ("average 2 /2 ceil", [4, 4, 1]),
        ("average 3 /2 same uncounted", [6, 9, 4]),
    ],
)
def test_a_pooling_says_how_many_values_it_counts(words: str, counts: list[int], tmp_path) -> None:
    network = from_text(f"name pooled 1x{6 if 'same' in words else 5}x5: {words}, flatten, linear 2")
    predictor = fresh(network, tmp_path / "run")
    watched = predictor.watch(picture(network))
    (_, rows, columns), word = predictor.plan.steps[0].output, "largest" if words.startswith("max") else "mean"
    for place, count in zip(((0, 0), (0, columns // 2), (rows - 1, columns - 1)), counts, strict=True):
        found = explain(predictor, watched.outputs, 0, (0, *place))
        assert found.formula.startswith(f"the {word} of {count} values = ")


@pytest.mark.parametrize("network", [ODD, small(find("googlenet"))], ids=lambda net: net.name)
def test_the_field_holds_every_pixel_with_a_gradient(network: Network, tmp_path) -> None:
    predictor = fresh(network, tmp_path / "run")
    image = torch.rand(1, *network.input, generator=torch.Generator().manual_seed(2)).requires_grad_()
    outputs: dict[str, torch.Tensor] = {}
    for name, module in predictor.model.named_modules():
        module.register_forward_hook(lambda module, inputs, output, name=name: outputs.update({name: output}))
    predictor.model(image)
    for path in ("grouped", "top", "mixed") if network is ODD else ("inception3a", "inception4a"):
        number = step_number(predictor.plan, path)
        _, height, width = predictor.plan.steps[number].output
        row, column = height // 2, width // 2
        (gradient,) = torch.autograd.grad(outputs[path][0, :, row, column].sum(), image, retain_graph=True)
        rows = gradient[0].abs().sum((0, 2)).nonzero().flatten()
        columns = gradient[0].abs().sum((0, 1)).nonzero().flatten()
        field = seen(predictor.plan, number, range(row, row + 1), range(column, column + 1))
        assert field is not None
        assert field.rows[0] <= rows.min() <= rows.max() <= field.rows[1]
        assert field.columns[0] <= columns.min() <= columns.max() <= field.columns[1]


def test_watching_changes_nothing(predictor, seven) -> None:
    before = {name: value.clone() for name, value in predictor.model.state_dict().items()}
    predictor.watch(seven)
    predictor.scores(predictor.read(seven)[0])
    after = predictor.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not any(module._forward_hooks for module in predictor.model.modules())
    assert not predictor.model.training


def test_what_is_watched_is_what_each_layer_gives(predictor, seven) -> None:
    watched = predictor.watch(seven)
    values = watched.outputs[INPUT][None]
    with torch.inference_mode():
        for number, module in enumerate(predictor.model.children()):
            values = module(values)
            assert torch.equal(watched.outputs[number], values[0])
    some = predictor.watch(seven, {2, 5})
    assert sorted(some.outputs) == [INPUT, 2, 5]
    assert some.prediction.probabilities == watched.prediction.probabilities


def test_layers_and_units_that_are_not_there(predictor, seven) -> None:
    with pytest.raises(UnknownNameError, match="no layer is called 'C9'"):
        step_number(predictor.plan, "C9")
    with pytest.raises(SpecError) as caught:
        explain(predictor, predictor.watch(seven).outputs, 0, (0, 28, 0))
    assert str(caught.value) == ("C1 has no unit at map 0, row 28, column 0.\nIts output is 6×28×28, counted from 0.")
