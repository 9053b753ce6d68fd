"""`python -m torchreel` is the same as the `torchreel` command."""

from torchreel.cli import main

if __name__ == "__main__":
    main()
