"""Starts the command ``femtogpt``, so that Ctrl-C ends it quietly while its modules load, too."""

import sys


def main() -> int:
    """Run the command line. Gives its status, or 130 if it is stopped before it runs."""
    try:
        from femtogpt import cli  # here: it takes a fifth of a second

        return cli.main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
