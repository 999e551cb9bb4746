"""Make it fast: whole networks on C++ kernels that lay sixteen images side by side. Only `engine` loads PyTorch."""
