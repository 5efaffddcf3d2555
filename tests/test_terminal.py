"""Commands under every locale, and texts that a terminal cannot show."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pipelines import ROOT

UTF8 = {"PYTHONUTF8": "1"}
CHARMAP = Path("/usr/share/i18n/charmaps/KOI8-R.gz")
LOCALES = {
    "C": {"LC_ALL": "C"},
    "POSIX": {"LC_ALL": "POSIX"},
    "C, Python's own way out shut": {
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
    "a terminal of ASCII": {"PYTHONIOENCODING": "ascii"},
    "a terminal of KOI8-R": {"PYTHONIOENCODING": "koi8-r:strict"},
    "a terminal of cp866": {"PYTHONIOENCODING": "cp866", "LC_ALL": "C", "PYTHONUTF8": "0"},
}
HARDEST = ("C, Python's own way out shut", "a terminal of cp866")
RULES = [sys.executable, "-m", "femtogpt.cli", "corpus", "rules"]  # prints Russian examples


def run(command: list, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LC_", "LANG", "PYTHONUTF8", "PYTHONIO", "PYTHONCOERCE"))
    }
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def koi8(tmp_path_factory) -> dict[str, str]:
    """The environment of a real locale ru_RU.KOI8-R, where it can be made."""
    folder = tmp_path_factory.mktemp("locale")
    if not CHARMAP.is_file():
        pytest.skip("the locale ru_RU.KOI8-R cannot be made here: no charmaps")
    (folder / "KOI8-R").write_bytes(gzip.decompress(CHARMAP.read_bytes()))
    command = ["localedef", "-i", "ru_RU", "-f", folder / "KOI8-R", folder / "ru_RU.KOI8-R"]
    made = run(command, {})
    if not (folder / "ru_RU.KOI8-R/LC_CTYPE").is_file():
        pytest.skip(f"the locale ru_RU.KOI8-R cannot be made here: {made.stderr.decode()}")
    return {"LOCPATH": str(folder), "LC_ALL": "ru_RU.KOI8-R"}


@pytest.fixture(scope="module")
def whole() -> bytes:
    """What the command prints where everything can be shown."""
    return run(RULES, UTF8).stdout


@pytest.mark.parametrize("name", LOCALES)
def test_a_command_prints_everything_whatever_the_terminal_shows(name, whole):
    done = run(RULES, LOCALES[name])
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stdout.count(b"\n") == whole.count(b"\n")


def test_a_terminal_of_koi8_gets_its_own_letters(koi8, whole):
    done = run(RULES, koi8)
    assert done.returncode == 0, done.stderr.decode("koi8-r")
    russian = [word for word in whole.decode().split() if word.isalpha()]
    shown = done.stdout.decode("koi8-r")
    letters = [word for word in russian if word.encode("koi8-r", "ignore").decode("koi8-r") == word]
    assert letters and all(word in shown for word in letters)


@pytest.mark.parametrize("name", [*LOCALES, "ru_RU.KOI8-R"])
def test_files_have_the_same_names_under_every_locale(name, tmp_path, request):
    locale = request.getfixturevalue("koi8") if name == "ru_RU.KOI8-R" else LOCALES[name]
    script = (
        "import sys; from pathlib import Path\n"
        "from femtogpt.terminal import speak_plainly\n"
        "speak_plainly()\n"
        "Path(sys.argv[1], 'Дуэль — «повесть» №1.txt').touch()\n"
        "print(Path(sys.argv[2]).is_dir(), sys.argv[3:])"
    )
    folder = tmp_path / "мои книги"
    folder.mkdir()
    (tmp_path / "script.py").write_text(script, "utf-8")
    done = run([sys.executable, tmp_path / "script.py", folder, folder, "ё → ж"], locale)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"True")
    assert os.listdir(os.fsencode(folder)) == ["Дуэль — «повесть» №1.txt".encode()]


@pytest.mark.parametrize("text", ["\\ud800", "\\udcff", "😀", "₽ × «ё»"])
def test_a_text_with_half_a_character_is_printed(text):
    script = (
        f"from femtogpt.terminal import speak_plainly; import sys\n"
        f"speak_plainly(); print('{text}!'); print('{text}!', file=sys.stderr)"
    )
    for environment in (UTF8, LOCALES["a terminal of ASCII"]):
        done = run([sys.executable, "-c", script], environment)
        assert done.returncode == 0 and done.stdout.endswith(b"!\n"), done.stderr


@pytest.mark.parametrize(
    "words",
    [["pipeline", "нет такой"], pytest.param(["sweep", "нет такой"], marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    "name",
    [name if name in HARDEST else pytest.param(name, marks=pytest.mark.slow) for name in LOCALES],
)
def test_an_error_of_a_flow_is_one_line_under_every_locale(name, words):
    done = run([sys.executable, "-m", "flows", *words], LOCALES[name])
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
