"""What a network is: layers, shapes, the network as a value, and its JSON. Standard library only."""
