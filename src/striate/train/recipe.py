"""A recipe: every number of a training, as a value that is kept with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from striate.data import Augmentation
from striate.data.preprocess import known_members
from striate.description import checks
from striate.errors import FormatError, SpecError
from striate.kernels.engine import LOSSES, Loss
from striate.modules import INITIALISATIONS

Optimiser = Literal["adamw", "sgd", "adadelta", "muon"]
OPTIMISERS: tuple[Optimiser, ...] = get_args(Optimiser)
Schedule = Literal["one-cycle", "constant", "steps", "plateau"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
ClassWeights = Literal["none", "balanced"]
CLASS_WEIGHTS: tuple[ClassWeights, ...] = get_args(ClassWeights)
Sampling = Literal["shuffled", "balanced"]
SAMPLING: tuple[Sampling, ...] = get_args(Sampling)
MOST = 10**9
"""The largest number of epochs, and of images per step."""
LARGEST = 1e38
"""The limit of rates and of weights of a loss, a little below the largest 32-bit float."""
LONGEST_PATH = 1000
"""The longest path of a layer, in letters."""
BRIGHTEST = 1e6
"""The limit of the numbers `low` and `high` that pixels become."""


@dataclass(frozen=True)
class Recipe:
    """Every number of a training."""

    epochs: int = 8
    batch: int = 128
    """Images per step."""
    optimiser: Optimiser = "adamw"
    """"muon" steps along the orthogonalised momentum of each convolution's filters, but of none with a connection table
    (`train.muon`)."""
    rate: float = 4e-3
    """The highest learning rate."""
    schedule: Schedule = "one-cycle"
    """"one-cycle" rises to the rate during the warm-up, then falls to nothing along a cosine. "steps" multiplies the
    rate by `drop` at each of the fractions `drops` of all steps; "plateau" does so after `patience` epochs without a
    better validation accuracy. Both begin with a tenth of the rate during the warm-up."""
    warm_up: float = 0.15
    """The fraction of all steps."""
    drop: float = 0.1
    drops: tuple[float, ...] = ()
    """Fractions of all steps."""
    patience: int = 5
    momentum: float = 0.9
    """Also AdamW's β1 and Adadelta's ρ."""
    weight_decay: float = 0.01
    average: float = 0.0
    """The decay of the weights' averages. Above 0, the mean over about the last 1/(1 − average) steps is validated and
    kept (B. Polyak, A. Juditsky, Acceleration of stochastic approximation by averaging, 1992), and so are the running
    statistics of batch normalisations; at 0, the weights themselves are."""
    loss: Loss = "cross-entropy"
    """"rbf-mle" and "rbf-map", for RBF units, are LeNet-5's eq. 8 and 9."""
    rubbish: float = 0.0
    """j of LeNet-5's eq. 9."""
    label_smoothing: float = 0.0
    """The share of the target that is spread over all classes (C. Szegedy et al., Rethinking the Inception
    architecture, 2015, section 7)."""
    mixup: float = 0.0
    """α: each step learns from λ · image + (1 − λ) · another image of the batch, and from both labels in these parts; λ
    is drawn from Beta(α, α) (H. Zhang et al., mixup: beyond empirical risk minimization, 2017, eq. 2)."""
    class_weights: ClassWeights = "none"
    """"balanced" multiplies the loss of an image by images / (classes · images of its class)."""
    sampling: Sampling = "shuffled"
    """"balanced" draws as many images of every class for each epoch."""
    initialisation: str = "he"
    low: float = -0.1
    """The value of a pixel of 0."""
    high: float = 1.175
    """The value of a pixel of 255."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    hold_out: float = 1 / 12
    """The fraction of the training images kept for validation; 0 only for a reproduction of a paper, which trains on
    all."""
    until: float | None = None
    """The training ends once this share of the validation images is right. For uneven classes (`train.metrics.uneven`),
    `until`, `early_stopping` and `patience` use the balanced accuracy instead."""
    early_stopping: int = 0
    """The training ends after this many epochs without a better validation accuracy; at 0 it does not."""
    filter_rate: float = 0.24
    """The learning rate of filters with "muon"; it follows the schedule of `rate`."""
    freeze: tuple[str, ...] = ()
    """The paths of layers and blocks that do not learn; their batch normalisations keep their statistics."""
    whiten: str = ""
    """The path of a first convolution that becomes the whitening transform of the training images' patches, and does
    not learn (`train.whitening`)."""
    transfer_rate: float = 0.1
    """The fraction of the learning rate for layers taken over from another run."""
    accumulate: int = 1
    """The number of parts in which the gradient of each batch is computed, one after the other, which takes less
    memory. It is the whole batch's gradient up to rounding; but the statistics of batch normalisation are each part's
    own."""
    epoch_steps: int = 0
    """The steps of an epoch, where the next epoch goes on from there; at 0 an epoch is a pass over all images."""
    seed: int = 0

    def __post_init__(self) -> None:
        checks.one_of("optimiser", self.optimiser, OPTIMISERS)
        checks.one_of("schedule", self.schedule, SCHEDULES)
        checks.one_of("loss", self.loss, LOSSES)
        checks.one_of("class_weights", self.class_weights, CLASS_WEIGHTS)
        checks.one_of("sampling", self.sampling, SAMPLING)
        checks.number("label_smoothing", self.label_smoothing, least=0, below=1)
        checks.number("mixup", self.mixup, least=0, below=LARGEST)
        if self.loss != "cross-entropy" and self.shapes_loss:
            raise SpecError(
                f"label_smoothing is {self.label_smoothing!r}, mixup {self.mixup!r}, class_weights "
                f"{self.class_weights!r}, and the loss {self.loss}.",
                "All three change the cross-entropy, and no other loss.",
                'Leave them out, or take "sampling": "balanced" for uneven classes.',
            )
        checks.one_of("initialisation", self.initialisation, tuple(INITIALISATIONS))
        _whole("epochs", self.epochs, most=MOST)
        _whole("batch", self.batch, most=MOST)
        _whole("seed", self.seed, least=0, most=2**63 - 1)
        _whole("early_stopping", self.early_stopping, least=0, most=MOST)
        _whole("accumulate", self.accumulate, most=MOST)
        _whole("patience", self.patience, most=MOST)
        _whole("epoch_steps", self.epoch_steps, least=0, most=MOST)
        if not isinstance(self.augmentation, Augmentation):
            raise SpecError(f"augmentation is {self.augmentation!r:.60}.", "It must be an Augmentation.")
        object.__setattr__(self, "drops", _fractions(self.drops))
        object.__setattr__(self, "freeze", _paths("freeze", self.freeze))
        _paths("whiten", (self.whiten,) if self.whiten != "" else ())
        checks.number("drop", self.drop, least=0, below=1)
        checks.number("warm_up", self.warm_up, least=0, below=1)
        checks.number("momentum", self.momentum, least=0, below=1)
        checks.number("weight_decay", self.weight_decay, least=0, below=LARGEST)
        checks.number("average", self.average, least=0, below=1)
        checks.number("rubbish", self.rubbish, least=0, below=LARGEST)
        checks.number("low", self.low, least=-BRIGHTEST, below=BRIGHTEST)
        checks.number("high", self.high, least=-BRIGHTEST, below=BRIGHTEST)
        checks.number("hold_out", self.hold_out, least=0, below=LARGEST)
        until = 1 if self.until is None else self.until
        rates = (("rate", self.rate), ("filter_rate", self.filter_rate), ("transfer_rate", self.transfer_rate))
        for name, value in (*rates, ("until", until)):
            if checks.number(name, value, least=0, below=LARGEST) == 0:
                raise SpecError(f"{name} is {value!r}.", "It must be more than 0.")
        if self.low == self.high:
            raise SpecError(
                f"low and high are both {self.low!r}.",
                "They are what a pixel of 0 and of 255 become; were they equal, all images would be.",
            )
        if self.hold_out >= 1 or (self.until is not None and self.until > 1):
            raise SpecError(
                f"hold_out is {self.hold_out!r} and until {self.until!r}.",
                "Both are fractions of the images: hold_out is below 1, until at most 1.",
            )

    @property
    def shapes_loss(self) -> bool:
        """Whether training minimises another loss than the one that validation reports."""
        return self.label_smoothing != 0 or self.mixup != 0 or self.class_weights != "none"

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain JSON members."""
        return asdict(self) | {"augmentation": self.augmentation.to_dict()}


def _whole(name: str, value: object, *, least: int = 1, most: int) -> None:
    number = checks.whole(name, value, least=least)
    if number > most:
        shown = number if number < 10**20 else "a number of more than 20 digits"
        raise SpecError(f"{name} is {shown}.", f"It is at most {most:,}.")


def _fractions(drops: object) -> tuple[float, ...]:
    """The fractions of all steps at which the rate drops, checked."""
    found = tuple(drops) if isinstance(drops, (tuple, list)) else (drops,)
    fractions = tuple(checks.number("drops", each, least=0, below=1) for each in found)
    if list(fractions) != sorted(fractions):
        raise SpecError(f"drops is {drops!r}.", "Its fractions of all steps must ascend, such as (0.5, 0.75).")
    return fractions


def _paths(name: str, paths: object) -> tuple[str, ...]:
    """The paths of layers, checked; whether a network has them is seen when it is trained."""
    found: list[str] = []
    for path in paths if isinstance(paths, (tuple, list)) else (paths,):
        if not isinstance(path, str) or not 0 < len(path) <= LONGEST_PATH:
            raise SpecError(f"{name} has {path!r:.60}.", 'It must be paths of layers, such as ["stem", "stage1"].')
        found.append(path)
    return tuple(found)


def recipe_from_dict(members: object) -> Recipe:
    """The recipe of plain JSON members; a missing member has its default, an unknown one is an error."""
    if not isinstance(members, dict):
        raise FormatError(
            f"{members!r:.60} is no recipe.",
            "A recipe is a JSON object with the members that differ from the defaults.",
            'It looks like {"epochs": 8, "rate": 0.004}.',
        )
    own = [each.name for each in fields(Recipe)]
    of_augmentation = [each.name for each in fields(Augmentation)]
    for member in members:
        if member in of_augmentation and member not in own:
            raise FormatError(
                f"{member!r} is a member of the augmentation, not of the recipe.",
                f"Write augmentation.{member} in a command, or put it under [augmentation] in a file.",
            )
    known_members(members, own, where="")
    members = dict(members)
    if "augmentation" in members:
        members["augmentation"] = Augmentation.from_dict(members["augmentation"])
    try:
        return replace(Recipe(), **members)
    except OverflowError:
        raise FormatError("a number is too large to compute with.", "Numbers of a recipe are below 1e308.") from None
