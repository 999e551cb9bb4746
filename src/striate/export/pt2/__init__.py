"""A run as a program of torch.export, checked by running it where Striate cannot be imported."""
