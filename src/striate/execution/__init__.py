"""Who runs a network: PyTorch, the engine or the operators, behind one protocol; which of them is a value."""
