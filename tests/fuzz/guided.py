"""make fuzz-guided: inputs chosen by coverage, by atheris, for each reader in turn.

python -m tests.fuzz.guided --seconds 600                      all readers, for so long together
python -m tests.fuzz.guided --seconds 60 --only png,jpeg       some

The lines of Striate and of the parsers in Python that it calls are watched; of libraries in C only what they raise.
Whatever breaks a reader is kept in the folder .fuzz, and the exit code is 1. What reached new lines is kept there too,
in corpus-NAME, and is where the next run begins. Needs the package atheris; a process forked for each reader.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

WATCHED = ["striate", "tarfile", "tomllib", "PIL", "safetensors", "sgfmill"]
"""The packages whose lines are watched. They are changed while they are imported, so nothing else imports them here."""


def main() -> int:
    """Fuzz each reader in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.guided")
    parser.add_argument("--seconds", type=float, default=600, help="for all readers together")
    parser.add_argument("--only", default="", help="names of readers, with commas")
    arguments = parser.parse_args()
    if find_spec("atheris") is None:
        sys.exit("atheris is not installed: pip install --constraint constraints.txt atheris")
    import atheris

    with atheris.instrument_imports(include=WATCHED):
        from tests.fuzz.__main__ import MEMORY, chosen
    names = chosen(arguments.only)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    broken: list[str] = []
    with TemporaryDirectory(prefix="striate-fuzz-") as folder:
        os.environ["STRIATE_CACHE"] = str(Path(folder, "cache"))
        for name in names:
            child = os.fork()
            if not child:
                _fuzz(name, max(1, round(arguments.seconds / len(names))), Path(folder))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(f"{name}: {'no input broke it' if code == 0 else f'ended with {code}'}", flush=True)
            broken += [name] if code else []
    return bool(broken)


def _fuzz(name: str, seconds: int, folder: Path) -> None:
    """Fuzz one reader; libFuzzer ends the process."""
    import atheris

    from tests.fuzz.__main__ import BROKEN, kept
    from tests.fuzz.run import tried
    from tests.fuzz.targets import TARGETS

    target, corpus = TARGETS[name], BROKEN / f"corpus-{name}"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(content)

    def once(content: bytes) -> None:
        if problem := tried(target, content, folder / name)[1]:
            raise AssertionError(f"{problem}; kept as {kept(name, content)}")

    # Without a timer of its own: `tried` has one, of the same signal. Files of crashes go where ours are kept.
    limits = [f"-max_total_time={seconds}", "-timeout=0", "-rss_limit_mb=0", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits, f"-artifact_prefix={BROKEN}/", str(corpus)], once)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
