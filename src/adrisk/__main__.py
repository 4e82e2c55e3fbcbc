"""`python -m adrisk` is the command `adrisk`."""

from adrisk.cli.main import main

if __name__ == "__main__":
    main()
