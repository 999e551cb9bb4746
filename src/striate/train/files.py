"""The writing of files, as the rooms from here on know it; `striate.files` has it, for those that stand below."""

from striate.files import append_line as append_line
from striate.files import elsewhere as elsewhere
from striate.files import make_folder as make_folder
from striate.files import unwritten as unwritten
from striate.files import write_whole as write_whole
