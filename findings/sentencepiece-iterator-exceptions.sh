#!/usr/bin/env bash
# sentencepiece 0.2.3, training from a Python iterator (`sentence_iterator`) in which an exception is
# raised: the program's own, SystemExit, or KeyboardInterrupt, as Ctrl-C raises it while a line is
# read.
#
# Expected: the exception that was raised comes out of `train`, as out of any for loop; `except
# KeyboardInterrupt` sees a Ctrl-C, and sys.exit() ends the program.
# Seen: each comes out as RuntimeError, with the class in the message alone and without a cause, so
# that `except Exception` takes a Ctrl-C for a failed training and goes on.
# So: keep what the iterator raised, and raise it again when `train` fails.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sentencepiece==0.2.3
"$folder/venv/bin/python" - <<'PYTHON'
import io

import sentencepiece as spm


class Refused(Exception):
    pass


def lines(error):
    """Some lines, then an error."""
    for number in range(50):
        yield f"строка номер {number}"
    raise error


print("sentencepiece", spm.__version__)
for raised in (Refused("no more"), SystemExit(3), KeyboardInterrupt()):
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=lines(raised),
            model_writer=io.BytesIO(),
            vocab_size=40,
            minloglevel=2,
        )
        came = None
    except BaseException as error:
        came = error
    print(f"raised {raised!r}, came out as {came!r}; cause {came.__cause__!r}")
    assert type(came) is RuntimeError
    assert type(raised).__name__ in str(came)
    assert came.__cause__ is None and came.__context__ is None
PYTHON
