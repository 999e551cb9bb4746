"""Takes a run elsewhere (ONNX, int8, torch.export, one file, the page, a hub folder); makes runs of others' files."""
