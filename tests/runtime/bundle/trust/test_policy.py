"""Signatures of bundles, and what a policy makes of them."""

import base64
import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import handmade
import pytest

import ssdgm_runtime
from ssdgm_runtime import Policy, __main__, errors
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.bundle.trust import keys, signing, statement

pytest.importorskip("cryptography", reason="the extra ssdgm-runtime[trust]")

SIGNED = Path(__file__).parent / "data"
"""A signature that OpenSSF's model_signing 1.1.1 made of `tiny`, and its key."""


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private key, next to which its public one is."""
    place = tmp_path_factory.mktemp("keys") / "maker"
    keys.make(place)
    return place


@pytest.fixture(scope="module")
def other(maker: Path) -> Path:
    keys.make(maker.parent / "other", keys.P256)
    return maker.parent / "other"


def pub(key: Path) -> Path:
    return Path(f"{key}.pub")


def opened(bundle: Path, **policy: object) -> contents.Bundle:
    return contents.open_bundle(bundle, verify=False, policy=Policy(**policy))  # type: ignore[arg-type]


def refused(bundle: Path, **policy: object) -> str:
    with pytest.raises(errors.Untrusted) as caught:
        opened(bundle, **policy)
    assert caught.value.exit_code == 1
    return str(caught.value)


def zipped(folder: Path) -> Path:
    place = folder.with_name(f"{folder.name}.zip")
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(folder).as_posix())
    return place


@pytest.mark.parametrize("kind", [keys.ED25519, keys.P256])
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_signed_bundle_is_taken_and_its_sums_are_the_same(
    kind: str, form: str, bundle: Path, tmp_path: Path
) -> None:
    place = bundle if form == "folder" else zipped(bundle)
    before = contents.open_bundle(place)
    print_ = keys.make(tmp_path / "key", kind)
    assert signing.sign(place, tmp_path / "key") == (before.id, print_)
    with ssdgm_runtime.load(place, policy=Policy(keys=[tmp_path / "key.pub"])) as model:
        assert model.info["signer"] == print_
        assert model.info["id"] == before.id
        assert model.verify().passed
        assert pickle.loads(pickle.dumps(model)).info["signer"] == print_
    again = contents.open_bundle(place)
    assert (again.digests, again.signer) == (before.digests, "")


def test_the_four_refusals_are_four_sentences(bundle: Path, maker: Path, other: Path) -> None:
    unsigned = refused(bundle, keys=[pub(maker)])
    assert "tiny.ssdgm is not signed: it has no model.sig. Ask its maker" in unsigned
    key, print_ = signing.sign(bundle, maker)
    known = keys.fingerprint(keys.public(pub(other).read_bytes()))
    wrong = refused(bundle, keys=[pub(other)])
    assert f"is signed by another key, {print_[:12]}; expected one of {known[:12]}" in wrong
    assert "is revoked: the policy lists its id" in refused(
        bundle, keys=[pub(maker)], revoked=[key]
    )
    revoked = refused(bundle, keys=[pub(maker)], revoked=[print_])
    assert f"is signed by a key that is revoked, {print_[:12]}" in revoked
    (bundle / "README.md").write_text("changed")
    handmade.reseal(bundle)
    stale = refused(bundle, keys=[pub(maker)])
    assert "tiny.ssdgm was changed after it was signed: the signature is of another" in stale


def test_a_signature_that_was_tampered_with_does_not_hold(bundle: Path, maker: Path) -> None:
    signing.sign(bundle, maker)
    place = bundle / "model.sig"
    good = json.loads(place.read_text())
    for field in ("payload", "signatures"):
        bad = json.loads(place.read_text())
        envelope = bad["dsseEnvelope"]
        holder, name = (envelope, "payload") if field == "payload" else (envelope[field][0], "sig")
        raw = bytearray(base64.b64decode(holder[name]))
        raw[len(raw) // 2] ^= 1
        holder[name] = base64.b64encode(raw).decode()
        place.write_text(json.dumps(bad))
        assert "has a signature that does not hold" in refused(bundle, keys=[pub(maker)])
        place.write_text(json.dumps(good))
    assert opened(bundle, keys=[pub(maker)]).signer


def test_a_signature_of_another_bundle_is_stale(bundle: Path, data: Path, maker: Path) -> None:
    shutil.copytree(data / "noisy.ssdgm", bundle.parent / "noisy.ssdgm")
    signing.sign(bundle.parent / "noisy.ssdgm", maker)
    shutil.copy(bundle.parent / "noisy.ssdgm/model.sig", bundle)
    assert "was changed after it was signed" in refused(bundle, keys=[pub(maker)])


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "\0", '{"verificationMaterial": []}', "[" * 10000, "x" * 3_000_000],
)
def test_garbage_for_a_signature_is_refused(text: str, bundle: Path, maker: Path) -> None:
    (bundle / "model.sig").write_text(text)
    with pytest.raises(errors.BundleError, match=r"model\.sig") as caught:
        opened(bundle, keys=[pub(maker)])
    assert len(str(caught.value)) < 400
    assert contents.open_bundle(bundle).signer == ""  # who asks for no key does not open it


@pytest.mark.parametrize("field", ["mediaType", "payloadType", "_type", "predicateType"])
def test_another_kind_of_signature_is_refused(field: str, bundle: Path, maker: Path) -> None:
    payload = statement.compose("tiny", {"SHA256SUMS": contents.open_bundle(bundle).id})
    payload = payload.replace(f'"{field}":"'.encode(), f'"{field}":"x'.encode())
    secret = keys.private(maker.read_bytes())
    made = keys.sign(secret, statement.signed(payload))
    data = statement.dumps(statement.Signature(payload, made, ""))
    data = data.replace(f'"{field}": "'.encode(), f'"{field}": "x'.encode())
    (bundle / "model.sig").write_bytes(data)
    assert "cannot be read as a signature" in refused(bundle, keys=[pub(maker)])


def test_a_signature_by_a_certificate_says_who_checks_it(bundle: Path, maker: Path) -> None:
    signing.sign(bundle, maker)
    document = json.loads((bundle / "model.sig").read_text())
    document["verificationMaterial"] = {"x509CertificateChain": {"certificates": []}}
    (bundle / "model.sig").write_text(json.dumps(document))
    text = refused(bundle, keys=[pub(maker)])
    assert "is made with a certificate" in text
    assert "pip install model-signing" in text


def test_ids_need_no_signature_and_no_key(bundle: Path) -> None:
    key = contents.open_bundle(bundle).id
    assert opened(bundle, ids=[key]).signer == ""
    assert f"has the id {key[:12]}, which the policy does not list" in refused(
        bundle, ids=["0" * 64]
    )
    assert "is revoked" in refused(bundle, ids=[key], revoked=[key])
    assert opened(bundle, revoked=["0" * 64]).id == key


def test_the_policy_is_asked_before_the_manifest_is_read(bundle: Path) -> None:
    (bundle / "manifest.json").write_text("{")
    handmade.reseal(bundle)
    assert "does not list" in refused(bundle, ids=["0" * 64])


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({}, "policy is empty; expected keys, ids or revoked"),
        ({"keys": "maker.pub"}, r"keys is a single value; expected a list: keys=\[...\]"),
        ({"ids": "0" * 64}, "ids is a single value"),
        ({"ids": ["0" * 63]}, "64 hexadecimal digits"),
        ({"revoked": [5]}, "revoked is 5"),
        ({"keys": [b"-----BEGIN PUBLIC KEY-----\n"]}, "key is not a public key in PEM"),
    ],
)
def test_what_is_no_policy_is_refused(policy: dict[str, object], text: str) -> None:
    with pytest.raises(errors.InputError, match=text):
        Policy(**policy)  # type: ignore[arg-type]


def test_a_private_key_is_not_taken_for_a_public_one(maker: Path) -> None:
    with pytest.raises(errors.InputError, match="a private key; expected a public one"):
        Policy(keys=[maker])
    with pytest.raises(errors.InputError, match="not a private key in PEM"):
        keys.private(pub(maker).read_bytes())
    with pytest.raises(errors.DataNotFound, match=r"no key at .*nowhere\.pub"):
        Policy(keys=[maker.parent / "nowhere.pub"])


def test_other_kinds_of_keys_are_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, x25519

    for key in (ec.generate_private_key(ec.SECP256K1()), x25519.X25519PrivateKey.generate()):
        with pytest.raises(errors.InputError, match="a key of another kind; expected an Ed25519"):
            keys.public(keys.pem(key.public_key()))  # type: ignore[arg-type]


def test_a_locked_key_is_opened_by_the_environment(
    maker: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cryptography.hazmat.primitives import serialization as form

    locked = keys.private(maker.read_bytes()).private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"sesame")
    )
    for phrase in (None, "other"):
        if phrase:
            monkeypatch.setenv(keys.PASSPHRASE, phrase)
        with pytest.raises(errors.InputError, match="SSDGM_KEY_PASSPHRASE"):
            signing.sign(bundle, locked)
    monkeypatch.setenv(keys.PASSPHRASE, "sesame")
    signing.sign(bundle, locked)
    assert opened(bundle, keys=[pub(maker)]).signer


def test_only_a_whole_bundle_is_signed_and_only_once(bundle: Path, maker: Path) -> None:
    signing.sign(bundle, maker)
    first = (bundle / "model.sig").read_bytes()
    with pytest.raises(errors.OutputExists, match=r"is signed already\. Pass --force"):
        signing.sign(bundle, maker)
    signing.sign(bundle, maker, force=True)
    assert (bundle / "model.sig").read_bytes() == first  # Ed25519 draws nothing
    place = zipped(bundle)
    with pytest.raises(errors.OutputExists):
        signing.sign(place, maker)
    signing.sign(place, maker, force=True)
    assert sorted(zipfile.ZipFile(place).namelist()).count("model.sig") == 1
    (bundle / "README.md").write_text("changed")
    with pytest.raises(errors.IntegrityError, match=r"README\.md differs"):
        signing.sign(bundle, maker, force=True)


def test_a_new_key_is_its_owner_s_alone_and_overwrites_nothing(tmp_path: Path) -> None:
    keys.make(tmp_path / "key")
    if os.name != "nt":
        assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    (tmp_path / "key").unlink()
    with pytest.raises(errors.OutputExists, match=r"key\.pub already exists"):
        keys.make(tmp_path / "key")
    assert not (tmp_path / "key").exists()
    with pytest.raises(errors.InputError, match="kind is 'rsa'; expected ed25519 or p256"):
        keys.make(tmp_path / "other", "rsa")


def test_the_commands(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(*words: object) -> tuple[int, str]:
        code = __main__.main([str(word) for word in words])
        told = capsys.readouterr()
        return code, told.out + told.err

    key = tmp_path / "my key"
    code, text = run("verify", bundle, "--key", tmp_path / "none.pub")
    assert (code, "no key at" in text) == (2, True)
    assert run("key", "-o", key)[0] == 0
    code, text = run("verify", bundle, "--key", f"{key}.pub")
    assert (code, "is not signed" in text) == (1, True)
    code, text = run("sign", bundle, "--key", key)
    assert code == 0
    assert "verify BUNDLE --key FILE.pub" in text
    code, text = run("verify", bundle, "--key", f"{key}.pub", "--json")
    assert code == 0
    assert (
        json.loads(text)["signer"]
        == json.loads(run("sign", bundle, "--key", key, "--force", "--json")[1])["signer"]
    )
    code, text = run("verify", bundle, "--key", f"{key}.pub")
    assert "signed by the key " in text


def test_a_signature_of_openssf_s_tool_is_checked() -> None:
    signature = statement.loads((SIGNED / "model_signing.sig").read_bytes())
    key = keys.public((SIGNED / "model_signing.pub").read_bytes())
    assert keys.fingerprint(key) == signature.key
    assert keys.verifies(key, signature.bytes, statement.signed(signature.payload))
    assert {"SHA256SUMS", "manifest.json"} <= statement.digests(signature.payload).keys()


def test_openssf_s_tool_checks_a_signature_of_ours(bundle: Path, other: Path) -> None:
    pytest.importorskip("model_signing", reason="pip install model-signing")
    signing.sign(bundle, other)
    words = [sys.executable, "-m", "model_signing", "verify", "key", str(bundle)]
    words += ["--signature", str(bundle / "model.sig"), "--public_key", str(pub(other))]
    subprocess.run(words, check=True)
    (bundle / "README.md").write_text("changed")
    assert subprocess.run(words, check=False).returncode


def test_a_runtime_without_cryptography_says_what_to_install(
    maker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in sys.modules if n.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(errors.MissingExtra, match=r"pip install .ssdgm-runtime\[trust\]"):
        Policy(keys=[pub(maker)])
    assert Policy(ids=["0" * 64]).ids
