"""Network <-> the text that a person types: one line on the command line, or a .net file."""
