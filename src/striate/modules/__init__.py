"""The PyTorch module of a network."""

from striate.modules.built import Built as Built
from striate.modules.built import build as build
from striate.modules.built import evaluating as evaluating
from striate.modules.devices import on_cpu as on_cpu
from striate.modules.devices import placed as placed
from striate.modules.initialise import INITIALISATIONS as INITIALISATIONS
from striate.modules.initialise import initialise as initialise
from striate.modules.weights import weights_of as weights_of
