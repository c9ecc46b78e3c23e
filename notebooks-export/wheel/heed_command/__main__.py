"""`python -m heed_command`: the command where its script is not on the search path."""

from heed_command import main

main()
