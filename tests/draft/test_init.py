"""A drafted recipe says what the data is, and runs to a bundle as it stands."""

import csv
import json
import random
import shlex
import shutil

import pytest
from tiny import TEXTS, roberta_config, save_tokenizer, seed_weights

import codewren
from codewren.core.recipe import Recipe
from codewren.data.load import load_split
from codewren.draft.columns import Columns, guess_columns
from codewren.draft.data_look import guess_language, split_files
from codewren.draft.teacher_look import look_at_teacher
from codewren.train.teachers.teacher import load_teacher
from commands import fails, run

QUICK = ("--quiet", "--set", "distil.epochs=1", "--set", "student.hidden_size=16", "--set", "student.vocab_size=300")


def functions(count, *, rare=3, seed=0):
    """Rows of C functions, one in `rare` of them labelled 1."""
    rng = random.Random(seed)
    for i in range(count):
        target = int(i % rare == 0)
        call = "strcpy(a, b)" if target else "strncpy(a, b, 9)"
        func = f"int f{i}(char *a, char *b)\n{{\n    {call};\n    return {rng.randint(0, 9)};\n}}\n"
        yield {"project": f"p{i % 7}", "target": target, "idx": i, "func": func}


def jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "overflow"
    folder.mkdir()
    jsonl(folder / "train.jsonl", functions(120))
    jsonl(folder / "dev.jsonl", functions(45, seed=1))
    return folder


def init(folder, *arguments):
    said = run("init", *arguments, "--recipe", folder / "recipe.toml")
    return said, Recipe.load(folder / "recipe.toml")


def test_a_drafted_recipe_runs_to_a_bundle(data, tmp_path):
    said, recipe = init(tmp_path, data)
    assert (recipe.task.name, recipe.task.labels, recipe.task.language) == ("overflow", ("safe", "vulnerable"), "c")
    assert (recipe.data.train.label, recipe.data.valid.path) == ("target", "dev.jsonl")
    text = (tmp_path / "recipe.toml").read_text()
    assert "# seen: 0 66.7%, 1 33.3%" in text
    assert "# 120 rows; halved" in text
    assert said.splitlines()[-1] == f"  codewren compress {tmp_path / 'recipe.toml'} --out runs/overflow"
    run("compress", tmp_path / "recipe.toml", "--out", tmp_path / "run", *QUICK)
    student = codewren.load(tmp_path / "run/student.wren")
    assert student.task == recipe.task
    assert student.predict(["int g(void) { return 1; }"])[0].name in ("safe", "vulnerable")


def test_pairs_that_name_functions_by_id_and_logits_for_them(clone_task, tmp_path):
    folder = shutil.copytree(clone_task, tmp_path / "pairs", ignore=shutil.ignore_patterns("recipe.toml"))
    _, recipe = init(tmp_path, folder, "--teacher", folder / "logits-unlabelled.npy", "--language", "java")
    assert recipe.task.labels == ("different", "clone") and recipe.task.unit == "pair"
    assert (recipe.teacher.kind, recipe.teacher.path) == ("logits", "logits-{split}.npy")
    assert (recipe.distil.train_on, recipe.student.pair_head) == (("unlabelled",), "symmetric")
    run("compress", tmp_path / "recipe.toml", "--out", tmp_path / "run", *QUICK)
    assert codewren.load(tmp_path / "run/student.wren").task == recipe.task


def classifier_folder(folder, **options):
    from transformers import RobertaForSequenceClassification

    model = RobertaForSequenceClassification(roberta_config(save_tokenizer(folder), **options))
    seed_weights(model)
    model.save_pretrained(folder)
    return folder


def test_a_classifier_names_the_labels_of_numbered_data(data, tmp_path):
    names = {0: "fine", 1: "broken"}
    teacher = classifier_folder(tmp_path / "model", id2label=names, label2id={"fine": 0, "broken": 1})
    _, recipe = init(tmp_path, data, "--teacher", teacher)
    assert recipe.task.labels == ("fine", "broken")
    assert recipe.data.train is None and recipe.data.unlabelled.path == "train.jsonl"
    assert (recipe.teacher.kind, recipe.teacher.path) == ("huggingface", "model")
    assert recipe.teacher.max_sequence_length == 48, "of 50 positions two are reserved"
    assert "its tokenizer makes up to" in (tmp_path / "recipe.toml").read_text()
    run("label", tmp_path / "recipe.toml", "--out", tmp_path / "run", "--quiet")
    assert (tmp_path / "run/logits-unlabelled.npz").exists()


def test_names_that_do_not_fit_are_told_and_asked_for(tmp_path):
    rows = [{"code": text, "label": ("good", "bad")[i % 2]} for i, text in enumerate(TEXTS)]
    for split in ("train", "valid"):
        jsonl(tmp_path / f"{split}.jsonl", rows)
    teacher = classifier_folder(tmp_path / "model", id2label={0: "a", 1: "b"}, label2id={"a": 0, "b": 1})
    said, recipe = init(tmp_path, tmp_path / "train.jsonl", tmp_path / "valid.jsonl", "--teacher", teacher)
    assert "set teacher.columns" in said
    assert recipe.task.labels == ("bad", "good") and recipe.data.unlabelled.text == "code"


def test_an_encoder_without_a_classifier_is_to_be_fine_tuned_first(data, tmp_path):
    folder = tmp_path / "encoder"
    folder.mkdir()
    (folder / "config.json").write_text('{"architectures": ["RobertaModel"], "max_position_embeddings": 514}')
    said, recipe = init(tmp_path, data, "--teacher", folder)
    assert [line.split()[1] for line in said.splitlines()[-2:]] == ["finetune", "compress"]
    assert (recipe.finetune.encoder, recipe.teacher.path) == ("encoder", "runs/overflow/teacher") or (
        recipe.finetune.encoder == "encoder" and recipe.teacher.path.endswith("runs/overflow/teacher")
    )


def test_a_rare_label_changes_what_picks_and_decides(tmp_path):
    for split in ("train", "valid"):
        jsonl(tmp_path / f"{split}.jsonl", functions(100, rare=20))
    _, recipe = init(tmp_path, tmp_path / "train.jsonl", tmp_path / "valid.jsonl", "--task", "rare")
    assert (recipe.distil.selection, recipe.decision.threshold, recipe.task.name) == ("f1", "f1", "rare")


def test_a_lone_file_is_split_by_its_texts_when_asked(tmp_path):
    rows = list(functions(200))
    everything = jsonl(
        tmp_path / "everything.jsonl", [*rows, *({**row, "idx": 1000 + row["idx"]} for row in rows[:50])]
    )
    _, recipe = init(tmp_path, everything, "--hold-out", "0.2", "--positive", "safe")
    halves = {split: load_split(recipe, split) for split in ("labelled", "unlabelled", "valid")}
    assert sum(len(half) for half in halves.values()) == 250
    assert 25 <= len(halves["valid"]) <= 75
    taught = {*halves["labelled"].functions, *halves["unlabelled"].functions}
    assert not taught & set(halves["valid"].functions)
    assert recipe.task.positive == "safe"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{data}/train.jsonl",), "no validation data beside {data}/train.jsonl: name a file valid.*"),
        (("{data}/dev.jsonl", "--hold-out", "0.1"), "--hold-out splits a lone file"),
        (("{data}", "--positive", "evil"), "--positive 'evil' is not one of the labels safe, vulnerable"),
        (("{data}", "--language", "pyton"), "no language 'pyton'; did you mean 'python'?"),
        (("{data}", "--teacher", "./none"), "teacher ./none: no such file or folder"),
        (("{empty}",), "no data there; wanted files that end in .jsonl"),
        (("{data}", "{data}"), "both look like valid; name the files one by one"),
    ],
)
def test_what_is_missing_is_one_line_and_nothing_is_written(data, tmp_path, capsys, arguments, said):
    (tmp_path / "empty").mkdir()
    filled = [text.format(data=data, empty=tmp_path / "empty") for text in arguments]
    assert said.format(data=data) in fails(capsys, "init", *filled, "--recipe", tmp_path / "recipe.toml")
    assert not (tmp_path / "recipe.toml").exists()


def test_nothing_is_overwritten(data, tmp_path, capsys):
    (tmp_path / "recipe.toml").write_text("mine")
    assert "recipe.toml is there already" in fails(capsys, "init", data, "--recipe", tmp_path / "recipe.toml")
    (tmp_path / "valid.jsonl").write_text("mine")
    lone = ("init", data / "train.jsonl", "--hold-out", "0.1", "--recipe", tmp_path / "other.toml")
    assert "valid.jsonl is there already" in fails(capsys, *lone)
    assert (tmp_path / "recipe.toml").read_text() == (tmp_path / "valid.jsonl").read_text() == "mine"


CODE = "int f(int a) {{ return {}; }}"


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (("code", "label"), Columns(text="code", label="label")),
        (("idx", "func", "func2", "y"), Columns(text="func", text2="func2", id="idx", label="y")),
        (("code1", "code2", "target"), Columns(text="code1", text2="code2", label="target")),
        (("func_before", "func_after", "vul"), Columns(text="func_before", label="vul")),
        (("id1", "id2", "label"), Columns(left="id1", right="id2", label="label")),
        (("sha256", "body"), Columns(text="body", id="sha256")),
    ],
)
def test_columns_are_known_by_name_and_value(names, wanted):
    labels = ("label", "y", "target", "vul")
    texts = ("code", "func", "body")
    rows = [
        {n: i % 2 if n in labels else CODE.format(i) if n.startswith(texts) else f"{n}-{i}" for n in names}
        for i in range(40)
    ]
    assert guess_columns(rows, "x") == wanted


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("int f(char *p) {\n    return p->n;\n}\n", "c"),
        ("public int f(List<String> x) { for (String s : x) { g(s); } return 1; }", "java"),
        ("def f(x):\n    return [y for y in x]\n", "python"),
        ("func f(x int) error {\n\treturn nil\n}\n", "go"),
        ("prose about nothing in particular", None),
    ],
)
def test_the_language_is_the_one_whose_grammar_finds_functions(text, language):
    assert guess_language([text] * 5) == language


def test_files_are_known_by_the_words_in_their_names(tmp_path):
    for name in ("my-training.csv", "val.jsonl.gz", "test_set.tsv", "logits-train.csv", "notes.md"):
        (tmp_path / name).touch()
    assert {split: path.name for split, path in split_files([tmp_path]).items()} == {
        "train": "my-training.csv",
        "valid": "val.jsonl.gz",
        "test": "test_set.tsv",
    }


def test_judgements_are_told_from_logits(tmp_path):
    said = jsonl(tmp_path / "said-train.jsonl", [{"id": "1", "label": "yes", "confidence": 0.9}])
    assert look_at_teacher(str(said)).kind == "judgements"
    assert look_at_teacher(str(said)).path.endswith("said-{split}.jsonl")
    assert look_at_teacher(str(said)).labels == ("yes",)
    numbers = jsonl(tmp_path / "numbers.jsonl", [{"id": "1", "logits": [0.1, 0.2]}])
    assert look_at_teacher(str(numbers)).kind == "logits"
    with (tmp_path / "l.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("id", "no", "yes"), (1, 0.1, 0.3)])
    assert look_at_teacher(str(tmp_path / "l.csv")).kind == "logits"


def test_a_folder_that_is_no_model_is_refused_before_anything_is_written(data, tmp_path, capsys):
    assert "no config.json there" in fails(
        capsys, "init", data, "--teacher", data, "--recipe", tmp_path / "recipe.toml"
    )
    assert not (tmp_path / "recipe.toml").exists()


def test_what_label_may_refuse_is_drafted_as_it_is(tmp_path):
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "model.onnx").touch()
    assert look_at_teacher(str(tmp_path)).says == "an adapter (PEFT)"
    assert look_at_teacher(str(tmp_path / "model.onnx")).kind == "huggingface"


def written(folder, labels):
    """A folder of functions with these labels in turn, and a file of judgements."""
    folder.mkdir()
    for split in ("train", "valid"):
        rows = [row | {"label": labels[i % len(labels)]} for i, row in enumerate(functions(60))]
        jsonl(folder / f"{split}.jsonl", [{"func": row["func"], "label": row["label"]} for row in rows])
    return jsonl(folder.parent / "judged-train.jsonl", [{"id": "1", "label": "third"}])


def test_labels_and_names_of_any_characters_make_a_recipe(tmp_path):
    labels = ('a\nb "q"', "ü#]\x7f", "third")
    judged = written(tmp_path / "my data", labels)
    said, recipe = init(tmp_path, tmp_path / "my data", "--teacher", judged)
    assert set(recipe.task.labels) == set(labels)
    assert shlex.split(said.splitlines()[-1])[-2:] == ["--out", "runs/my data"]


@pytest.mark.parametrize("labels", [(["net", "time"], [], ["files"]), ("net;time", "[]", "files;net")])
def test_lists_of_labels_are_a_task_of_several_at_once(labels, tmp_path):
    judged = written(tmp_path / "calls", labels)
    _, recipe = init(tmp_path, tmp_path / "calls", "--teacher", judged)
    assert recipe.task.is_multi_label and recipe.task.labels == ("files", "net", "time")
    assert "time 33.3%" in (tmp_path / "recipe.toml").read_text()


def calls(count, *, seed=0):
    """C functions that open files, take time, both or neither, and what they do."""
    rng = random.Random(seed)
    for i in range(count):
        files, time = rng.random() < 0.5, rng.random() < 0.4
        body = "    fopen(a, b);\n" * files + "    time(0);\n" * time
        yield f"int f{seed}_{i}(char *a, char *b)\n{{\n{body}    return {i};\n}}\n", files, time


def write_csv(path, rows):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)


@pytest.mark.parametrize("form", ["columns", "list", "cell"])
def test_several_labels_run_from_a_table_to_a_bundle_with_words_as_teacher(tmp_path, form):
    """Columns of 0 and 1, JSON lists, and names with a semicolon between them are the same task."""
    names = ("files", "time")
    for split, count in (("train", 240), ("valid", 60)):
        rows = list(calls(count, seed=count))
        if form == "columns":
            table = [("code", *names), *((text, int(a), int(b)) for text, a, b in rows)]
        else:
            said = [[n for n, on in zip(names, row[1:], strict=True) if on] for row in rows]
            cells = [json.dumps(some) if form == "list" else ";".join(some) for some in said]
            cells = [cell or "[]" for cell in cells]
            table = [("code", "labels"), *((row[0], cell) for row, cell in zip(rows, cells, strict=True))]
        write_csv(tmp_path / f"{split}.csv", table)
    said, recipe = init(tmp_path, tmp_path / "train.csv", tmp_path / "valid.csv", "--task", "calls")
    assert (recipe.task.kind, recipe.task.labels, recipe.teacher.kind) == ("multi-label", names, "ngrams")
    assert ("hold 0 and 1" in said) == (form == "columns")
    valid = load_split(recipe, "valid")
    assert list(valid.labels) == [int(a) + 2 * int(b) for _, a, b in calls(60, seed=60)]
    run("compress", tmp_path / "recipe.toml", "--out", tmp_path / "run", *QUICK, "--set", "distil.epochs=8")
    student = codewren.load(tmp_path / "run/student.wren")
    assert student.task == recipe.task
    assert "label_accuracy" in run("evaluate", tmp_path / "run/student.wren", tmp_path / "recipe.toml")


def test_an_order_is_offered_and_never_guessed(tmp_path):
    for split in ("train", "valid"):
        rows = [{"code": text, "label": ("low", "middle", "high")[i % 3]} for i, text in enumerate(TEXTS)]
        jsonl(tmp_path / f"{split}.jsonl", rows)
    _, recipe = init(tmp_path, tmp_path / "train.jsonl", tmp_path / "valid.jsonl")
    assert (recipe.task.kind, recipe.teacher.kind) == ("single-label", "ngrams")
    assert '# kind = "ordinal"' in (tmp_path / "recipe.toml").read_text()


def test_pairs_want_a_teacher(clone_task, tmp_path, capsys):
    folder = shutil.copytree(clone_task, tmp_path / "pairs", ignore=shutil.ignore_patterns("recipe.toml", "*.npy"))
    assert "name a teacher with --teacher" in fails(capsys, "init", folder, "--recipe", tmp_path / "r.toml")


def test_a_cell_of_a_labels_own_column_says_there_or_not(tmp_path):
    rows = [{"func": CODE.format(i), "files": i % 2, "time": "maybe" if i == 7 else 1} for i in range(9)]
    jsonl(tmp_path / "valid.jsonl", rows)
    task = {"name": "t", "unit": "function", "labels": ["files", "time"], "positive": "time", "kind": "multi-label"}
    recipe = Recipe.from_dict({"task": task, "data": {"valid": {"path": "valid.jsonl"}}}, tmp_path)
    with pytest.raises(codewren.InputError, match=r"line 8, column 'time': 'maybe' does not say whether"):
        load_split(recipe, "valid")


def test_judged_functions_without_labels_of_their_own_get_the_labels_of_the_judges(tmp_path):
    for split, count in (("labelled", 40), ("unlabelled", 30), ("valid", 10)):
        rows = (
            {"id": f"{split}-{at}", "func": f"def f{at}(x):\n    return x + {at}"}
            | ({"label": "rare" if at % 5 == 0 else "usual"} if split == "valid" else {})
            for at in range(count)
        )
        jsonl(tmp_path / f"{split}.jsonl", rows)
    said = ({"id": f"labelled-{at}", "label": "rare" if at % 5 == 0 else "usual"} for at in range(39))
    judgements = jsonl(tmp_path / "judgements.jsonl", [*said, {"id": "labelled-39", "label": "unsure"}])
    files = [tmp_path / f"{split}.jsonl" for split in ("labelled", "unlabelled", "valid")]
    run("init", *files, "--teacher", judgements, "--recipe", tmp_path / "recipe.toml", "--language", "python")
    recipe = Recipe.load(tmp_path / "recipe.toml")
    assert recipe.task.labels == ("usual", "rare")
    assert recipe.task.positive == "rare"
    assert recipe.distil.train_on == ("labelled", "unlabelled")
    teacher = load_teacher(recipe)
    assert teacher.spreads
    assert [len(load_split(recipe, split)) for split in ("labelled", "unlabelled", "valid")] == [40, 30, 10]
