"""`python -m hilt` is `hilt`."""

from hilt.commands.main import main

if __name__ == "__main__":
    raise SystemExit(main())
