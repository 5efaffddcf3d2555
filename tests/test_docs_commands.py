"""What the READMEs and the pages in docs/ name exists: links, commands, settings, files."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import yaml

from femtogpt import __version__
from femtogpt.cli import main
from femtogpt.config import Config

ROOT = Path(__file__).resolve().parent.parent
TOP = ("README.md", "README.ru.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*TOP, *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))]
NOW = [page for page in PAGES if page != "CHANGELOG.md"]  # which tells of what once was, too
README_LINES = 120
EXAMPLES = {"mine", "chats"}  # configurations and sources that a page has the reader write
SECTIONS = {
    name: field.annotation.model_fields
    for name, field in Config.model_fields.items()
    if hasattr(field.annotation, "model_fields")
}


@cache
def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_of(page: str) -> list[str]:
    """The lines of the page's blocks of shell, without comments, and what it has in backticks."""
    text = text_of(page)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = "".join(block for language, block in blocks if language in ("", "sh"))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", prose)
    return [re.sub(r"(^|\s)#.*", "", line).strip() for line in [*lines.splitlines(), *spans]]


def anchors_of(page: str) -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text_of(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@cache
def makefile() -> str:
    return text_of("Makefile")


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings_that_exist(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if not re.match(r"\w+:", link):
            name, _, anchor = link.partition("#")
            target = (ROOT / page).parent / name if name else ROOT / page
            assert target.exists(), link
            if anchor:
                assert anchor in anchors_of(str(target.resolve().relative_to(ROOT))), link


@pytest.mark.parametrize("page", NOW)
def test_commands_of_make_have_a_target_and_variables(page):
    for line in code_of(page):
        for target, rest in re.findall(r"\bmake ([a-z][a-z-]*)([^|&;]*)", line):
            assert re.search(rf"^{target}:", makefile(), re.MULTILINE), line
            for variable in re.findall(r"\b([A-Z]+)=", re.sub(r"\"[^\"]*\"", '""', rest)):
                assert f"$({variable})" in makefile() or f"$(if $({variable})" in makefile(), line


@pytest.mark.parametrize("page", NOW)
def test_commands_of_femtogpt_have_the_options(page, capsys):
    for line in code_of(page):
        match = re.match(r"(?:\.venv/bin/)?femtogpt ([a-z].*)", line)
        if match is None or "|" in line or "…" in line:
            continue
        words = shlex.split(match[1])
        options = [word for word in words if word.startswith("--")]
        first = words.index(options[0]) if options else len(words)
        with pytest.raises(SystemExit) as ended:
            main([*words[:first], "--help"])
        assert ended.value.code == 0, line
        text = capsys.readouterr().out
        for option in options:
            assert option in text, line


@pytest.mark.parametrize("page", NOW)
def test_configurations_exist(page):
    for line in code_of(page):
        for name in re.findall(r"\bCONF=([\w-]+)(?![\w/.…-])", line):
            folder = ROOT / ("conf/sweeps" if "make sweep" in line else "conf")
            assert name in EXAMPLES or (folder / f"{name}.yaml").exists(), line


@pytest.mark.parametrize("page", NOW)
def test_settings_exist(page):
    sections = "|".join(SECTIONS)
    for line in code_of(page):
        for section, name in re.findall(rf"(?<![\w./-])({sections})\.([a-z_]+)\b(?!\()", line):
            assert name in SECTIONS[section] or name in ("py", "yaml"), line


@pytest.mark.parametrize("page", NOW)
def test_files_of_the_project_exist(page):
    """Paths in backticks, without a star or a NAME to fill in."""
    for line in code_of(page):
        folder = r"femtogpt|tasks|flows|tests|benchmarks|conf|docs"
        for name in re.findall(rf"(?<![\w/.])((?:{folder})/[\w/.-]+\w)(?![\w*/…<{{])", line):
            stem = Path(name).stem
            assert (ROOT / name).exists() or stem.isupper() or stem in EXAMPLES, line


@pytest.mark.parametrize("page", NOW)
def test_deployments_exist(page):
    deployed = yaml.safe_load(text_of("prefect.yaml"))["deployments"]
    names = {f"{entry['entrypoint'].rpartition(':')[2]}/{entry['name']}" for entry in deployed}
    for line in code_of(page):
        flow = "pipeline|ingest|prepare|train|evaluate|sweep"
        for name in re.findall(rf"(?:^|[' ])((?:{flow})/[a-z-]+)(?=$|[' ])", line):
            assert name in names, line


def test_the_readme_stays_short():
    assert len(text_of("README.md").splitlines()) <= README_LINES
    assert len(text_of("README.ru.md").splitlines()) <= README_LINES


def test_both_readmes_have_the_same_commands_and_pages():
    """In the blocks; what a run prints is left out."""
    commands = [
        [line for line in code_of(page) if re.match(r"(make|kind:|path:|extends:)", line)]
        for page in TOP[:2]
    ]
    assert set(commands[0]) == set(commands[1])
    linked = [set(re.findall(r"\]\((docs/[\w.-]+)\)", text_of(page))) for page in TOP[:2]]
    assert linked[0] == linked[1]


def test_the_readme_leads_to_every_page():
    for page in PAGES[len(TOP) :]:
        assert f"]({page})" in text_of("README.md")


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## (.+)$", text_of("CHANGELOG.md"), re.MULTILINE)
    releases = headings[headings[0] == "Unreleased" :]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ – \d{4}-\d\d-\d\d", line) for line in releases)
    assert releases[0].startswith(f"{__version__} ")
