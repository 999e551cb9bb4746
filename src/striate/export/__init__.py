"""Exports a trained network: the page as one file."""
