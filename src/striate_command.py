"""The entry point of the command `striate`: it handles Ctrl-C before Striate is imported, which takes a moment.

It is outside the package because importing any part of a package imports the package first.
"""

import os


def main() -> None:
    """Run the command; Ctrl-C at any moment ends it with one line and exit code 130."""
    try:
        import signal

        ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # or else the shell wants it ignored
        if ours:
            signal.signal(signal.SIGINT, _leave)
        from striate.cli import main as run

        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        run()
    except KeyboardInterrupt:
        _leave()


def _leave(*_: object) -> None:
    """Exit at once: nothing is written yet, and an exception could be lost in the callbacks of an import."""
    os.write(2, b"Interrupted.\n")
    os._exit(130)


if __name__ == "__main__":
    main()
