"""`python -m striate`: the command, for where scripts are not on the path."""

from striate.cli import main

main()
