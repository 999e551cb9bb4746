"""The CPU kernels in C++, which lay sixteen images side by side, and their bindings.

`compile`, `binary`, `lower` and `graph` do not import PyTorch; all other files here do.
"""
