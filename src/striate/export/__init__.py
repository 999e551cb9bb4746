"""Take a network elsewhere."""
