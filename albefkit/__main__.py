"""`python -m albefkit`, as torchrun starts it."""

from albefkit.cli.main import main

main()
