"""A bundle goes to a hub and comes back, through Hugging Face's own client."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import hubs
import pytest

from ssdgm_export.bundle import archive
from ssdgm_export.deploy import folders, hub
from ssdgm_runtime import errors, model
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.bundle.trust import keys, signing
from ssdgm_runtime.bundle.trust import policy as trust

TESTS = Path(__file__).parents[2]
BUNDLE = TESTS / "golden/m2-tiny.ssdgm"
NAME = "someone/digits"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[hubs.Hub]:
    with hubs.reached(monkeypatch, tmp_path / "cache") as found:
        yield found


def test_a_bundle_comes_back_as_it_went(server: hubs.Hub, tmp_path: Path) -> None:
    sent = hub.push(BUNDLE, NAME, private=True)
    assert sent.id == contents.open_bundle(BUNDLE).id
    assert sent.url.endswith(sent.revision)
    assert NAME in server.private
    came = hub.pull(NAME, tmp_path / "a.ssdgm")
    assert (came.id, came.revision) == (sent.id, sent.revision)
    own = {p.relative_to(BUNDLE): p.read_bytes() for p in BUNDLE.rglob("*") if p.is_file()}
    out = tmp_path / "a.ssdgm"
    assert own == {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with model.load(out, provider="cpu") as opened:
        assert opened.verify().passed


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_a_signature_goes_with_its_bundle(server: hubs.Hub, tmp_path: Path, suffix: str) -> None:
    own = tmp_path / f"own.ssdgm{suffix}"
    opened = contents.open_bundle(BUNDLE)
    if suffix:
        own.write_bytes(archive.packed(folders.files(opened)))
    else:
        shutil.copytree(BUNDLE, own)
    keys.make(tmp_path / "maker")
    signing.sign(own, tmp_path / "maker")
    hub.push(own, NAME)
    server.commits[NAME][-1]["extra.py"] = b"print()"
    known = trust.Policy(keys=[tmp_path / "maker.pub"])
    hub.pull(NAME, tmp_path / "back.ssdgm", policy=known)
    there = {p.name for p in (tmp_path / "back.ssdgm").iterdir()}
    assert contents.SIGNATURE in there
    assert not {"extra.py", ".gitattributes", ".cache"} & there


def test_another_bundle_takes_its_place_and_the_first_stays_in_history(
    server: hubs.Hub, tmp_path: Path
) -> None:
    first = hub.push(TESTS / "runtime/data/tagged.ssdgm", NAME)
    second = hub.push(BUNDLE, NAME)
    assert hub.pull(NAME, tmp_path / "new.ssdgm").id == second.id
    assert not set(server.commits[NAME][-1]) - set(
        [*contents.open_bundle(BUNDLE).paths, contents.SUMS, ".gitattributes"]
    )
    old = hub.pull(NAME, tmp_path / "old.ssdgm", revision=first.revision)
    assert old.id == first.id


def test_nothing_is_written_of_what_is_damaged_or_not_wanted(
    server: hubs.Hub, tmp_path: Path
) -> None:
    sent = hub.push(BUNDLE, NAME)
    with pytest.raises(errors.Untrusted):
        hub.pull(NAME, tmp_path / "a.ssdgm", policy=trust.Policy(ids=["0" * 64]))
    hub.pull(NAME, tmp_path / "b.ssdgm", policy=trust.Policy(ids=[sent.id]))
    server.commits[NAME][-1]["README.md"] += b"."
    with pytest.raises(errors.IntegrityError, match=r"README\.md differs"):
        hub.pull(NAME, tmp_path / "a.ssdgm")
    with pytest.raises(errors.OutputExists):
        hub.pull(NAME, tmp_path / "b.ssdgm")
    with pytest.raises(errors.InputError, match=r"ends in \.ssdgm"):
        hub.pull(NAME, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["b.ssdgm"]


def test_a_folder_that_is_no_bundle_stays(server: hubs.Hub, tmp_path: Path) -> None:
    (tmp_path / "mine.ssdgm").mkdir()
    (tmp_path / "mine.ssdgm/manifest.json").touch()
    with pytest.raises(errors.OutputExists, match="is a folder and no bundle"):
        hub.pull("someone/digits", tmp_path / "mine.ssdgm", force=True)
    assert (tmp_path / "mine.ssdgm/manifest.json").exists()


def test_a_hub_that_refuses_is_a_sentence(
    server: hubs.Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(hub.HubError, match="nobody/none failed"):
        hub.pull("nobody/none", tmp_path / "a.ssdgm")
    with pytest.raises(hub.HubError, match="Repo id must"):
        hub.push(BUNDLE, "a b/c/d")
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(hub.HubError, match="hf auth login"):
        hub.push(BUNDLE, NAME)
    damaged = tmp_path / "damaged.ssdgm"
    shutil.copytree(BUNDLE, damaged)
    (damaged / "README.md").write_text("another")
    with pytest.raises(errors.IntegrityError):
        hub.push(damaged, NAME)
    assert not server.commits
