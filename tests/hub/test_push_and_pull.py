"""Bundles to a hub and back: the same bytes, one commit, a card that the hub accepts; nothing unchecked is kept."""

import hashlib
import subprocess
import sys

import huggingface_hub
import pytest
from huggingface_hub import ModelCard

import codewren
from codewren.bundle.open import open_bundle
from codewren.core.errors import InputError
from codewren.hub.checksums import checked_name, read_checksum
from codewren.hub.readme import CardMetadata
from codewren.predict.predictor import find_bundle, shipped_bundles
from commands import fails, run
from hub.stand_in import standing_in

TOKEN = "hf_" + "secret" * 6
FORMS = ("vulnerability-c", "clones-micro", "hints-c-micro")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that is the only one, and a token that nothing may print."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    with standing_in() as server:
        yield server


def push(hub, *arguments):
    return run("push", *arguments, "--license", "mit", "--endpoint", hub.url)


def pull(hub, *arguments):
    return run("pull", *arguments, "--endpoint", hub.url)


@pytest.mark.parametrize("name", FORMS)
def test_a_bundle_of_any_form_goes_there_and_comes_back_the_same(hub, tmp_path, name):
    pushed = push(hub, name, "me/model")
    sha256 = hashlib.sha256(find_bundle(name).read_bytes()).hexdigest()
    assert f"sha256 {sha256}  {find_bundle(name).name}" in pushed
    pulled = pull(hub, "me/model", "--out", tmp_path / "models")
    file = tmp_path / "models" / find_bundle(name).name
    assert file.read_bytes() == find_bundle(name).read_bytes()
    assert codewren.load(file).task == codewren.load(name).task
    assert file.with_suffix(".md").read_bytes() == hub.repositories["me/model"][-1][1]["README.md"]
    commit = hub.repositories["me/model"][-1][0]
    assert f"revision {commit}" in pushed
    assert f"again: codewren pull me/model --revision {commit}" in pulled
    assert TOKEN not in pushed + pulled
    assert set(hub.authorizations) == {f"Bearer {TOKEN}"}


def test_the_card_has_metadata_and_the_bundles_own_card(hub):
    push(hub, "vulnerability-c", "me/model", "--dataset", "google/code_x_glue_cc_defect_detection", "--tag", "c-code")
    text = hub.repositories["me/model"][-1][1]["README.md"].decode()
    data = ModelCard(text).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("mit", "codewren", "text-classification")
    assert data.datasets == ["google/code_x_glue_cc_defect_detection"]
    assert data.tags == ["codewren", "code", "vulnerability", "c", "c-code"]
    assert open_bundle(find_bundle("vulnerability-c")).card.strip() in text
    assert run("push", "vulnerability-c", "me/model", "--license", "mit", "--dry-run").endswith(".\n")


def test_a_push_is_one_commit_and_an_old_one_can_be_had(hub, tmp_path):
    first = push(hub, "hints-c-micro", "me/model", "--name", "m.wren")
    push(hub, "clones-micro", "me/model", "--name", "m.wren")
    assert len(hub.repositories["me/model"]) == 3  # an empty one, and two pushes
    assert set(hub.repositories["me/model"][1][1]) == {"m.wren", "README.md", "SHA256SUMS"}
    commit = first.split("revision ")[1].split()[0]
    said = pull(hub, "me/model", "--revision", commit, "--out", tmp_path)
    assert "again:" not in said, "a commit pins it already"
    assert (tmp_path / "m.wren").read_bytes() == find_bundle("hints-c-micro").read_bytes()


def test_an_equal_file_stays_and_another_is_not_replaced_unasked(hub, tmp_path, capsys):
    push(hub, "hints-c-micro", "me/model")
    pull(hub, "me/model", "--out", tmp_path)
    assert "was there already" in pull(hub, "me/model", "--out", tmp_path)
    file = tmp_path / "hints-c-micro.wren"
    file.write_bytes(b"mine")
    wanted = ("pull", "me/model", "--out", tmp_path, "--endpoint", hub.url)
    assert "add --force to replace it" in fails(capsys, *wanted)
    assert file.read_bytes() == b"mine"
    pull(hub, "me/model", "--out", tmp_path, "--force")
    assert file.read_bytes() == find_bundle("hints-c-micro").read_bytes()


def spoil(files):
    return {**files, "hints-c-micro.wren": files["hints-c-micro.wren"][:-1] + b"?"}


def other_sum(files):
    content = files["hints-c-micro.wren"][:99]
    sums = f"{hashlib.sha256(content).hexdigest()}  hints-c-micro.wren\n".encode()
    return {**files, "hints-c-micro.wren": content, "SHA256SUMS": sums}


def climb(files):
    return {**files, "SHA256SUMS": files["SHA256SUMS"].replace(b"hints-c-micro.wren", b"../../etc/x.wren")}


def no_sums(files):
    return {**files, "SHA256SUMS": b""}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil, "hints-c-micro.wren came with SHA-256"),
        (other_sum, "not a bundle"),  # the hash is right, the file is cut
        (climb, "wanted one of a hash and NAME.wren"),
        (no_sums, "SHA256SUMS has 0 lines"),
    ],
)
def test_what_is_not_as_promised_leaves_nothing(hub, tmp_path, capsys, change, said):
    push(hub, "hints-c-micro", "me/model")
    hub.commit("me/model", change(hub.repositories["me/model"][-1][1]))
    assert said in fails(capsys, "pull", "me/model", "--out", tmp_path / "models", "--endpoint", hub.url)
    assert not list(tmp_path.rglob("*.wren"))


def test_a_hash_of_ones_own_is_believed_more_than_the_repository(hub, tmp_path, capsys):
    push(hub, "hints-c-micro", "me/model")
    said = fails(capsys, "pull", "me/model", "--sha256", "0" * 64, "--out", tmp_path, "--endpoint", hub.url)
    assert f"{'0' * 64} was wanted" in said and not list(tmp_path.glob("*.wren"))


def test_refusals_of_the_hub_are_one_line_without_the_token(hub, capsys):
    there = ("--endpoint", hub.url)
    assert "no such repository" in fails(capsys, "pull", "me/none", *there)
    push(hub, "hints-c-micro", "me/model")
    assert "no such branch, tag or commit" in fails(capsys, "pull", "me/model", "--revision", "v9", *there)
    unknown = fails(capsys, "push", "hints-c-micro", "me/model", "--license", "wtf", *there)
    assert unknown.startswith("codewren: me/model: cannot push") and "license" in unknown
    assert TOKEN not in unknown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("no/such/name",), "no/such/name"),
        (("mine",), "wanted OWNER/NAME"),
        (("me/model", "--name", "../x.wren"), "bundle name"),
        (("me/model", "--name", "x"), ".wren at its end"),
    ],
)
@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_what_cannot_be_pulled_is_not_pushed_nor_shown(hub, capsys, arguments, said, dry):
    wanted = ("push", "hints-c-micro", *arguments, "--license", "mit", "--endpoint", hub.url, *dry)
    assert said in fails(capsys, *wanted)
    assert not hub.log


def test_a_hash_may_be_in_capitals_and_what_is_none_is_refused_at_once(hub, tmp_path, capsys):
    push(hub, "hints-c-micro", "me/model")
    sha256 = hashlib.sha256(find_bundle("hints-c-micro").read_bytes()).hexdigest()
    pull(hub, "me/model", "--sha256", sha256.upper(), "--out", tmp_path)
    asked = len(hub.log)
    assert "64 hexadecimal digits" in fails(capsys, "pull", "me/model", "--sha256", sha256[:12], "--endpoint", hub.url)
    assert "wanted OWNER/NAME" in fails(capsys, "pull", "model", "--endpoint", hub.url)
    assert len(hub.log) == asked


def test_names_that_no_system_can_have_are_refused():
    for name in ("../a.wren", ".wren", "a b.wren", "a.bin"):
        with pytest.raises(InputError, match="bundle name"):
            checked_name(name)
    with pytest.raises(InputError, match="2 lines"):
        read_checksum(f"{'0' * 64}  a.wren\n" * 2, "me/model")


def test_every_bundle_that_ships_has_a_name_that_can_be_pushed():
    assert all(checked_name(path.name) for path in shipped_bundles().values())
    assert CardMetadata("mit").datasets == ()


def test_only_these_two_verbs_know_the_hub():
    code = "import sys, codewren; codewren.load('hints-c-micro'); import codewren.cli.scan, codewren.cli.pull; "
    code += "print([name for name in ('huggingface_hub', 'httpx', 'requests') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"
