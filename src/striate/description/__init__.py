"""The description of a network: layers, shapes, the network as a value, its notation and its JSON.

Imports the standard library only.
"""
