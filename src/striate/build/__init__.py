"""Make it run: a network as a PyTorch module."""

from striate.build.build import KERNELS as KERNELS
from striate.build.build import Built as Built
from striate.build.build import build as build
from striate.build.build import fastest_kernels as fastest_kernels
from striate.build.initialise import INITIALISATIONS as INITIALISATIONS
from striate.build.initialise import initialise as initialise
