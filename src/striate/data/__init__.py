"""Images: one file per source, the packed store, preprocessing, and augmentation as batched tensor operations."""

from striate.data.affine import Affine as Affine
from striate.data.affine import move as move
from striate.data.arrays import from_arrays as from_arrays
from striate.data.augment import Augmentation as Augmentation
from striate.data.augment import augment as augment
from striate.data.augment import draw_warp as draw_warp
from striate.data.colour import cut_out as cut_out
from striate.data.colour import recolour as recolour
from striate.data.digits import PreparationStep as PreparationStep
from striate.data.digits import digit_steps as digit_steps
from striate.data.digits import steps_strip as steps_strip
from striate.data.image_file import open_picture as open_picture
from striate.data.image_file import read_image as read_image
from striate.data.lighting import colour_axes as colour_axes
from striate.data.lighting import relight as relight
from striate.data.preprocess import Preprocessing as Preprocessing
from striate.data.preprocess import preprocessing_for as preprocessing_for
from striate.data.source import load as load
from striate.data.store import ImageSet as ImageSet
from striate.data.store import balanced_order as balanced_order
from striate.data.store import epoch_order as epoch_order
from striate.data.store import hold_out as hold_out
from striate.data.symmetries import alternated as alternated
from striate.data.symmetries import symmetric as symmetric
