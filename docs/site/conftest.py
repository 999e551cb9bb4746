"""The hook runs inside MkDocs; the extension needs griffe, which the extra docs brings."""

from importlib.util import find_spec

collect_ignore = ["pages.py", *([] if find_spec("griffe") else ["doctests.py"])]
