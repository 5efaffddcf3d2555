"""What a person writes in a configuration, and what they are told when it is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from femtogpt.config_file import CONF, load_config, read_source
from femtogpt.errors import UserError
from femtogpt.sources.texts import Kaggle

SOURCE = "sources: {mine: {kind: files, path: texts}}\n"
KAGGLES = "sources: {one: {kind: kaggle, dataset: a/b}, two: {kind: kaggle, dataset: a/c}}"


@pytest.fixture
def load(tmp_path):
    """Loads a configuration from its YAML text."""

    def load(text: str, *overrides: str, archive: Path | None = None):
        path = tmp_path / "my.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(str(path), overrides, archive)

    return load


@pytest.mark.parametrize("name", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_every_configuration_that_comes_with_the_project_loads(name):
    config = load_config(name)
    assert config.name == name
    assert config == load_config(str(CONF / f"{name}.yaml"))


@pytest.mark.parametrize("name", sorted(path.stem for path in (CONF / "sources").glob("*.yaml")))
def test_every_source_that_comes_with_the_project_loads(name, load):
    assert list(load(f"sources: [{name}]").sources) == [name]


def test_listed_sources_are_read_from_the_folder_beside_the_configuration(tmp_path):
    shutil.copytree(CONF, tmp_path, dirs_exist_ok=True)
    (tmp_path / "sources/letters.yaml").write_text("kind: files\npath: letters\nweight: 2\n")
    (tmp_path / "mine.yaml").write_text("sources: [letters, classics]")

    config = load_config("mine", conf=tmp_path)

    assert list(config.sources) == ["letters", "classics"]
    assert config.sources["letters"].path == Path("letters")
    assert config.sources["letters"].weight == 2
    assert config.sources["classics"].dataset == read_source("classics")["dataset"]


@pytest.mark.parametrize(
    "value",
    [
        *("2001-99-99", "0x_", "0b_", "!!int x", "!!float x", "!!timestamp x", "9" * 5000),
        *("&a [*a]", "&a {b: *a}", "[" * 3000, "{a: " * 3000),
    ],
    ids=lambda value: value[:12],
)
def test_what_yaml_allows_to_write_and_no_value_is_is_told_in_a_line(value, load):
    with pytest.raises(UserError, match="is not YAML") as in_file:
        load(f"seed: {value}\n")
    with pytest.raises(UserError, match="is not YAML") as in_override:
        load(SOURCE, f"seed={value}")
    for caught in (in_file, in_override):
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


WRONG = {
    "key at top level": (SOURCE + "trian: {max_steps: 4}", "trian", "'train'"),
    "key in a section": (SOURCE + "train: {max_step: 4}", "train.max_step", "'max_steps'"),
    "key in a source": (
        "sources: {mine: {kind: files, paht: texts}}",
        "sources.mine.paht",
        "'path'",
    ),
    "key that only sources of another kind have": (
        "sources: {mine: {kind: kaggle, dataset: a/b, archiv: a.zip}}",
        "sources.mine.archiv",
        "'archive'",
    ),
    "kind of source": ("sources: {mine: {kind: fles}}", "'fles'", "'files'"),
    "kind that is a list": ("sources: {mine: {kind: [files]}}", "sources.mine", "kind"),
    "source without a kind": ("sources: {mine: {path: texts}}", "sources.mine", "kind"),
    "listed source": ("sources: [clasics]", "'clasics'", "'classics'"),
    "number of sources": ("sources: -1", "sources", "dictionary"),
    "no sources": ("train: {max_steps: 4}", "sources", "missing"),
    "empty sources": ("sources: {}", "sources", "at least 1"),
    "missing setting of a source": ("sources: {mine: {kind: files}}", "sources.mine", "path"),
    "value below its range": (SOURCE + "train: {max_steps: 0}", "train.max_steps", "0", "≥ 1"),
    "value above its range": (
        SOURCE + "train: {learning_rate: 7}",
        *("train.learning_rate", "7", "> 0 and ≤ 1"),
    ),
    "value of a source out of its range": (
        "sources: {mine: {kind: files, path: texts, weight: 700}}",
        *("sources.mine.weight", "700", "100"),
    ),
    "value that is not a number": (SOURCE + "train: {clip: .nan}", "train.clip", "nan", "> 0"),
    "word where a number stands": (SOURCE + "train: {clip: big}", "train.clip", "'big'"),
    "choice": (SOURCE + "train: {optimizer: adam}", "'adam'", "'muon' or 'adamw'"),
    "width that heads do not divide": (SOURCE + "model: {heads: 3}", "width 256", "heads"),
    "heads that kv_heads do not divide": (SOURCE + "model: {kv_heads: 3}", "heads 4", "kv_heads 3"),
    "batch that micro batches do not divide": (
        SOURCE + "train: {batch_size: 9, micro_batch: 2}",
        *("batch_size 9", "micro_batch 2"),
    ),
    "schedule longer than the training": (
        SOURCE + "train: {warmup: 0.9, decay: 0.8}",
        *("warmup 0.9", "decay 0.8"),
    ),
    "no YAML": ("sources: [a\n b: :", "my.yaml", "not YAML"),
    "tab": ("\tsources: x", "my.yaml", "not YAML"),
    "list at the top": ("- 1", "my.yaml", "key: value"),
    "empty file": ("", "my.yaml", "key: value"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_in_one_line_that_names_it_and_the_way_out(case, load):
    text, *named = WRONG[case]
    with pytest.raises(UserError) as refused:
        load(text)
    message = str(refused.value)
    assert "\n" not in message
    assert all(part in message for part in named), message


def test_every_mistake_is_told_at_once(load):
    with pytest.raises(UserError, match=r"train\.max_steps.*; .*trian.*'train'"):
        load(SOURCE + "trian: {}\ntrain: {max_steps: -1}")


def test_a_section_written_twice_is_not_silently_half_lost(load):
    with pytest.raises(UserError, match="train"):
        load(SOURCE + "train: {max_steps: 5}\ntrain: {batch_size: 2}")


def test_an_unknown_configuration_lists_those_there_are_and_the_nearest():
    with pytest.raises(UserError) as refused:
        load_config("clasics")
    message = str(refused.value)
    assert "did you mean 'classics'?" in message
    assert all(path.stem in message for path in CONF.glob("*.yaml"))


def test_a_missing_configuration_file_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no\.yaml.*there is no such file"):
        load_config(str(tmp_path / "no.yaml"))


@pytest.mark.parametrize("name", ["a/b", "..", "", "v1.0"])
def test_a_source_name_that_no_folder_or_override_could_bear_is_refused(name, load):
    with pytest.raises(UserError, match="sources"):
        load(f"sources: {{{name!r}: {{kind: files, path: texts}}}}")


def test_settings_do_not_change_after_reading(load):
    config = load(SOURCE)
    with pytest.raises(ValueError):
        config.train.max_steps = 7


# overrides


@pytest.mark.parametrize(
    ("override", "field", "expected"),
    [
        ("train.max_steps=200", "train.max_steps", 200),
        ("train.max_steps=1e3", "train.max_steps", 1000),
        ("train.learning_rate=1e-3", "train.learning_rate", 0.001),
        ("train.device=cuda:0", "train.device", "cuda:0"),
        ("model.kv_heads=null", "model.kv_heads", None),
        ("model.kv_heads=2", "model.kv_heads", 2),
        ("samples.prompts=[Жили-были, 'Он сказал: да']", "samples.prompts", ...),
        ("sources.mine.weight=0.5", "sources.mine.weight", 0.5),
        ("sources.mine.rules=[spaces, dashes]", "sources.mine.rules", ("spaces", "dashes")),
        ("paths.data=/elsewhere", "paths.data", Path("/elsewhere")),
        ("name=опыт-2", "name", "опыт-2"),
        ("seed=7", "seed", 7),
    ],
)
def test_an_override_sets_the_field_it_names(override, field, expected, load):
    value = load(SOURCE + "model: {kv_heads: 4}", override)
    for part in field.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    assert value == (("Жили-были", "Он сказал: да") if expected is ... else expected)


def test_of_two_overrides_of_a_field_the_last_holds_and_the_file_none(load):
    config = load(SOURCE + "train: {max_steps: 1, batch_size: 6}", "train.max_steps=2", "seed=3")
    assert (config.train.max_steps, config.train.batch_size, config.seed) == (2, 6, 3)
    assert load(SOURCE, "train.max_steps=2", "train.max_steps=3").train.max_steps == 3


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("train.max_step=4", "'max_steps'"),
        ("train.max_steps=-4", "≥ 1"),
        ("train.batch_size=", "train.batch_size"),
        ("train.max_steps.more=4", "max_steps"),
        ("train=4", "train"),
        ("max_steps", "section.field=value"),
        ("=4", "section.field=value"),
        ("samples.prompts=[a, b", "not YAML"),
        ("sources.mine.wieght=2", "'weight'"),
        ("sources.mnie.weight=2", "'mine'"),
        ("train.batch_size=true", "train.batch_size"),
        ("train.max_steps=on", "a whole number"),
        ("seed=no", "seed"),
        ("model.layers=yes", "model.layers"),
        ("model.size=yes", "model.size"),
        ("sources.mine.weight=yes", "a number"),
        ("sources.mine.edition=1", "true or false"),
        ("train.compile=0", "true or false or auto"),
        ("train.optimizer=off", "muon or adamw"),
        (f"train.device={10**400}", "a text"),
        ("baselines.ngram=yes", "baselines.ngram"),
        ("samples.prompts=[yes]", "a text"),
        ("paths.data=yes", "a path"),
        ("tokenizer.special=[!!binary 0LDQsQ==]", "bytes"),
        (f"train.batch_size={10**30}", "too large"),
        (f"train.batch_size={10**400}", "too large"),
        ("corpus.min_characters=1e30", "corpus.min_characters"),
        ("train.clip=.inf", "train.clip"),
        ("train.clip=.nan", "train.clip"),
    ],
)
def test_a_wrong_override_is_told_in_one_line(override, named, load):
    with pytest.raises(UserError) as refused:
        load(SOURCE + "train: {max_steps: 5}", override)
    assert named in str(refused.value)
    assert "\n" not in str(refused.value)


# ARCHIVE


def test_the_archive_goes_to_the_kaggle_source_alone(load):
    text = "sources: {mine: {kind: files, path: texts}, theirs: {kind: kaggle, dataset: a/b}}"
    config = load(text, archive=Path("a.zip"))
    assert config.sources["theirs"] == Kaggle(dataset="a/b", archive=Path("a.zip"))
    assert config.sources["mine"].path == Path("texts")


@pytest.mark.parametrize(
    "name", ["книги №1.zip", "книги #1.zip", "a: b.zip", "[a].zip", "'a'.zip", "1.5", "null"]
)
def test_an_archive_may_have_any_path(name, load):
    config = load("sources: {s: {kind: kaggle, dataset: a/b}}", archive=Path(name))
    assert config.sources["s"].archive == Path(name)


@pytest.mark.parametrize(
    "text", [SOURCE, KAGGLES, "sources: classics", "sources: {mine: }", "seed: 1"]
)
def test_an_archive_that_no_one_source_can_take_is_told_in_one_line(text, load):
    with pytest.raises(UserError) as refused:
        load(text, archive=Path("a.zip"))
    assert "\n" not in str(refused.value)
    assert "sources" in str(refused.value)


def test_changes_as_nested_settings_are_the_same_as_overrides(tmp_path):
    for name, overrides, changes in [
        ("classics", ["train.max_steps=7"], {"train": {"max_steps": 7}}),
        ("home-8gb", ["model.size=nano", "seed=3"], {"model": {"size": "nano"}, "seed": 3}),
        ("sample", ["sources=[classics]"], {"sources": ["classics"]}),
        (
            "classics",
            ["sources.classics={kind: files, path: books}"],
            {"sources": {"classics": {"kind": "files", "path": "books"}}},
        ),
        ("classics", ["sources.classics.weight=2"], {"sources": {"classics": {"weight": 2}}}),
    ]:
        assert load_config(name, changes=changes) == load_config(name, overrides)
    assert load_config("classics", changes={"train": {"max_steps": 7}}).train.epochs is None
    with pytest.raises(UserError, match=r"train\.max_step is no setting; did you mean 'max_steps'"):
        load_config("classics", changes={"train": {"max_step": 7}})
