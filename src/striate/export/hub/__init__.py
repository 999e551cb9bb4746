"""A run in the layout of the Hugging Face hub: a folder with a model card, the weights, the network and its drawing."""
