"""Network <-> the notation: one line of text on the command line, or a .net file."""
