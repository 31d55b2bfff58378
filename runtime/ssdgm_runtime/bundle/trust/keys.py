"""Keys that sign bundles: Ed25519, or the curves of NIST that OpenSSF's model_signing takes.

The package `cryptography` computes; it is imported when a key is first used.
"""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssdgm_runtime import atomic, errors

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    Private = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    Public = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey

ED25519, P256 = "ed25519", "p256"
Key = str | os.PathLike[str] | bytes
"""The path of a PEM file, or its bytes."""
PASSPHRASE = "SSDGM_KEY_PASSPHRASE"
"""The environment variable with the passphrase of a private key."""
BYTES = 1 << 16
"""The most that a key's file may hold."""

_BITS = {256: "SHA256", 384: "SHA384", 521: "SHA512"}
"""The hash that a curve of so many bits is used with, as Sigstore has it."""
_KINDS = "an Ed25519 key, or one of the curves P-256, P-384 and P-521"


def read(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a key's file.

    Raises:
        DataNotFound: There is none.
        DataError: It cannot be read, or is far too large for a key.
    """
    try:
        with open(path, "rb") as stream:
            data = stream.read(BYTES + 1)
    except FileNotFoundError:
        raise errors.DataNotFound(f"There is no key at {path}", mend="Check the path.") from None
    except OSError as error:
        raise errors.DataError(
            f"The key {path} cannot be read ({error.strerror})", mend="Check the path."
        ) from None
    if len(data) > BYTES:
        raise errors.DataError(f"{path} has more than {BYTES} bytes", "a key in PEM")
    return data


def public(pem: bytes) -> "Public":
    """A public key.

    Raises:
        InputError: It is none, or of another kind.
        MissingExtra: cryptography is not installed.
    """
    primitives = _primitives()
    if b"PRIVATE KEY-----" in pem:
        raise errors.InputError(
            "key", "a private key", "a public one", "Give the file that ends in .pub."
        )
    try:
        key = primitives.serialization.load_pem_public_key(pem)
    except Exception:  # cryptography raises errors of several families
        raise errors.InputError("key", "not a public key in PEM", _KINDS) from None
    return _known(key)  # type: ignore[no-any-return]


def private(pem: bytes) -> "Private":
    """A private key, opened with the passphrase in the environment if it has one.

    Raises:
        InputError: It is none, is of another kind, or the passphrase does not open it.
        MissingExtra: cryptography is not installed.
    """
    primitives = _primitives()
    phrase = os.environ.get(PASSPHRASE)
    try:
        try:
            key = primitives.serialization.load_pem_private_key(pem, None)
        except TypeError:  # it has a passphrase
            key = primitives.serialization.load_pem_private_key(pem, (phrase or "").encode())
    except Exception:
        locked = b"ENCRYPTED" in pem
        raise errors.InputError(
            "key",
            "a private key whose passphrase is another" if locked else "not a private key in PEM",
            f"its passphrase in {PASSPHRASE}" if locked else _KINDS,
        ) from None
    return _known(key)  # type: ignore[no-any-return]


def fingerprint(key: "Public") -> str:
    """The SHA-256 of a key's PEM, in hexadecimal: what model_signing calls a key's hint."""
    return hashlib.sha256(pem(key)).hexdigest()


def pem(key: "Public") -> bytes:
    """A public key as its file has it."""
    form = _primitives().serialization
    return key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)


def sign(key: "Private", message: bytes) -> bytes:
    """A signature of a message."""
    given: Any = key
    return bytes(given.sign(message, *_hash(given)))


def verifies(key: "Public", signature: bytes, message: bytes) -> bool:
    """Whether a signature of a message was made with a key's private one."""
    from cryptography.exceptions import InvalidSignature

    given: Any = key
    try:
        given.verify(signature, message, *_hash(given))
    except InvalidSignature:
        return False
    return True


def make(out: str | os.PathLike[str], kind: str = ED25519, *, force: bool = False) -> str:
    """Write a new key as `out`, which its owner alone may read, and `out`.pub; its fingerprint.

    Raises:
        InputError: The kind is unknown.
        OutputExists: One of the two files is there, and `force` is not given.
        DataNotFound, NotWritable, WriteFailed: They cannot be written.
        MissingExtra: cryptography is not installed.
    """
    primitives = _primitives()
    if kind not in (ED25519, P256):
        raise errors.InputError("kind", repr(kind), f"{ED25519} or {P256}")
    target, other = Path(out), Path(f"{os.fspath(out)}.pub")
    for place in (target, other):
        atomic.claim(place, force=force)
    made = (
        primitives.ed25519.Ed25519PrivateKey.generate()
        if kind == ED25519
        else primitives.ec.generate_private_key(primitives.ec.SECP256R1())
    )
    form = primitives.serialization
    secret = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    with atomic.draft(target, replace=force) as partial:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "wb") as stream:
            stream.write(secret)
    atomic.write(other, pem(made.public_key()), force=force)
    return fingerprint(made.public_key())


def _known(key: Any) -> Any:  # noqa: ANN401  (cryptography has many kinds)
    primitives = _primitives()
    plain = (primitives.ed25519.Ed25519PublicKey, primitives.ed25519.Ed25519PrivateKey)
    curves = (primitives.ec.EllipticCurvePublicKey, primitives.ec.EllipticCurvePrivateKey)
    nist = isinstance(key, curves) and key.curve.name in ("secp256r1", "secp384r1", "secp521r1")
    if not (nist or isinstance(key, plain)):
        raise errors.InputError("key", "a key of another kind", _KINDS)
    return key


def _hash(key: Any) -> tuple[Any, ...]:  # noqa: ANN401  (as above)
    """What a curve's signature takes besides the message; an Ed25519 key takes nothing."""
    primitives = _primitives()
    if not hasattr(key, "curve"):
        return ()
    return (primitives.ec.ECDSA(getattr(primitives.hashes, _BITS[key.curve.key_size])()),)


class _Primitives:
    """The parts of cryptography that are used."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519

        self.hashes, self.serialization = hashes, serialization
        self.ec, self.ed25519 = ec, ed25519


def _primitives() -> _Primitives:
    try:
        return _Primitives()
    except ImportError:
        raise errors.MissingExtra(
            "Signatures need the package cryptography",
            mend='pip install "ssdgm-runtime[trust]"',
        ) from None
