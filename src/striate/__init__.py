"""Striate: describe a convolutional network once, and every room reads that one value.

Imported here is what needs no framework: the description, the catalogue and the account. What runs on PyTorch is
imported from its own room: `striate.build`, `striate.audit`, `striate.data`, `striate.train`, `striate.look`,
`striate.serve`.
"""

from striate.account import Account as Account
from striate.by_name import account as account
from striate.by_name import to_json as to_json
from striate.by_name import to_text as to_text
from striate.errors import StriateError as StriateError
from striate.networks import NETWORKS as NETWORKS
from striate.networks import find as find
from striate.spec.json import from_json as from_json
from striate.spec.layers import RBF as RBF
from striate.spec.layers import Activation as Activation
from striate.spec.layers import Auxiliary as Auxiliary
from striate.spec.layers import BatchNorm as BatchNorm
from striate.spec.layers import Block as Block
from striate.spec.layers import Branches as Branches
from striate.spec.layers import Conv as Conv
from striate.spec.layers import Dropout as Dropout
from striate.spec.layers import Flatten as Flatten
from striate.spec.layers import GlobalAveragePool as GlobalAveragePool
from striate.spec.layers import Layer as Layer
from striate.spec.layers import Linear as Linear
from striate.spec.layers import LocalResponseNorm as LocalResponseNorm
from striate.spec.layers import PadChannels as PadChannels
from striate.spec.layers import Pool as Pool
from striate.spec.layers import PositionBias as PositionBias
from striate.spec.layers import Residual as Residual
from striate.spec.layers import Softmax as Softmax
from striate.spec.layers import Subsample as Subsample
from striate.spec.network import Network as Network
from striate.spec.network import Source as Source
from striate.spec.notation import from_text as from_text

__version__ = "0.1.0"
