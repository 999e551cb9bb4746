"""A network trained and asked from a program's own code: arrays and labels in, labels out, and a run to keep."""
