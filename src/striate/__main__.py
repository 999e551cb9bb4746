"""`python -m striate`: the command, for where scripts are not on the path."""

from striate_command import main

main()
