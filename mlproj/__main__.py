"""``python -m mlproj`` is ``mlproj``."""

from mlproj.cli.main import main

if __name__ == "__main__":
    main()
