"""Striate: describe a convolutional network once; account for it, train it, look inside it and serve it.

This module has the names that need no framework: the description, the catalogue and the account, and `from_module`,
which imports PyTorch when it is called. Code that needs PyTorch is imported from its own package: `striate.modules`,
`striate.audit`, `striate.data`, `striate.train`, `striate.look`, `striate.serve`.
"""

from striate.accounting import Account as Account
from striate.by_name import account as account
from striate.by_name import as_svg as _as_svg
from striate.by_name import at_size as at_size
from striate.by_name import at_width as at_width
from striate.by_name import draw as draw
from striate.by_name import fit as fit
from striate.by_name import from_module as from_module
from striate.by_name import from_pretrained as from_pretrained
from striate.by_name import to_json as to_json
from striate.by_name import to_text as to_text
from striate.by_name import widget as widget
from striate.by_name import with_classes as with_classes
from striate.description.json import from_json as from_json
from striate.description.layers import RBF as RBF
from striate.description.layers import Activation as Activation
from striate.description.layers import Auxiliary as Auxiliary
from striate.description.layers import BatchNorm as BatchNorm
from striate.description.layers import Block as Block
from striate.description.layers import Branches as Branches
from striate.description.layers import Conv as Conv
from striate.description.layers import Dropout as Dropout
from striate.description.layers import Flatten as Flatten
from striate.description.layers import Gate as Gate
from striate.description.layers import GlobalAveragePool as GlobalAveragePool
from striate.description.layers import Layer as Layer
from striate.description.layers import Linear as Linear
from striate.description.layers import LocalResponseNorm as LocalResponseNorm
from striate.description.layers import PadChannels as PadChannels
from striate.description.layers import Pool as Pool
from striate.description.layers import PositionBias as PositionBias
from striate.description.layers import Residual as Residual
from striate.description.layers import Scale as Scale
from striate.description.layers import Shuffle as Shuffle
from striate.description.layers import Softmax as Softmax
from striate.description.layers import Subsample as Subsample
from striate.description.layers import Upsample as Upsample
from striate.description.network import Network as Network
from striate.description.network import Source as Source
from striate.description.notation.reading import from_text as from_text
from striate.errors import StriateError as StriateError
from striate.networks import NETWORKS as NETWORKS
from striate.networks import find as find
from striate.version import __version__ as _version

# A notebook asks a value itself for its picture. The description stands below the room that draws and cannot import it.
Network._repr_svg_ = _as_svg  # pyright: ignore[reportAttributeAccessIssue]

__version__ = _version
