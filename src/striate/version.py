"""The version of the package, for those of its modules that tell it."""

__version__ = "0.1.0"
