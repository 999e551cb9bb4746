"""Reads a line of digits: slides a network along it as one convolution, and decodes the columns of scores."""

from striate.read.columns import Columns as Columns
from striate.read.decode import Characters as Characters
from striate.read.decode import Decoded as Decoded
from striate.read.decode import decode as decode
from striate.read.reader import Character as Character
from striate.read.reader import Line as Line
from striate.read.reader import Reader as Reader
from striate.read.reader import reader_of as reader_of
from striate.read.slide import Slid as Slid
from striate.read.slide import slide as slide
