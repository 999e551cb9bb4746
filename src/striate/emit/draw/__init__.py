"""The figure of a network, as a value that renderers read: volumes as papers draw them, or blocks with their joins."""
