"""`python -m codewren`, which `torchrun` needs."""

from codewren.cli.main import main

if __name__ == "__main__":
    main()
