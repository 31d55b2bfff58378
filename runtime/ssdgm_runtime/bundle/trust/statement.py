"""The file `model.sig`: what is signed, and how the signature is written beside it.

The form is that of OpenSSF model signing 1.0 (https://github.com/ossf/model-signing-spec): an
in-toto statement with the digest of every file, in a DSSE envelope, in a Sigstore bundle. Nothing
here computes or checks a signature.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ssdgm_runtime import errors, jsonfile

SIGNATURE = "model.sig"
SUMS = "SHA256SUMS"

_PAYLOAD = "application/vnd.in-toto+json"
_MEDIA = "application/vnd.dev.sigstore.bundle.v0.3+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_FILES = {
    "method": "files",
    "hash_type": "sha256",
    "allow_symlinks": False,
    "ignore_paths": [SIGNATURE],
}


class Signature(NamedTuple):
    """A signature.

    Attributes:
        payload: What is signed: a statement, as JSON.
        bytes: The signature itself, over `signed(payload)`.
        key: The fingerprint of its key, which nothing proves; empty where it is not said.
    """

    payload: bytes
    bytes: bytes
    key: str


def compose(name: str, digests: Mapping[str, str]) -> bytes:
    """A statement on a bundle.

    Args:
        name: What it is called.
        digests: The SHA-256 of every file, `SHA256SUMS` among them, in hexadecimal.
    """
    ordered = sorted(digests.items())
    whole = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in ordered)).hexdigest()
    resources = [{"algorithm": "sha256", "digest": d, "name": n} for n, d in ordered]
    statement = {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": whole}}],
        "predicateType": _PREDICATE,
        "predicate": {"resources": resources, "serialization": _FILES},
    }
    return json.dumps(statement, separators=(",", ":")).encode()


def signed(payload: bytes) -> bytes:
    """The bytes that a signature is of (DSSE 1.0, PAE)."""
    return b"DSSEv1 %d %s %d %s" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)


def dumps(signature: Signature) -> bytes:
    """The file."""
    envelope = {
        "payload": base64.b64encode(signature.payload).decode(),
        "payloadType": _PAYLOAD,
        "signatures": [{"sig": base64.b64encode(signature.bytes).decode(), "keyid": ""}],
    }
    material = {"publicKey": {"hint": signature.key}, "tlogEntries": []}
    return jsonfile.dumps(
        {"mediaType": _MEDIA, "verificationMaterial": material, "dsseEnvelope": envelope}
    ).encode()


def loads(data: bytes) -> Signature:
    """Read the file.

    Raises:
        Untrusted: It is no such signature, or one by a certificate or an identity.
    """
    try:
        document: Any = jsonfile.loads(data, SIGNATURE)
        material, envelope = document["verificationMaterial"], document["dsseEnvelope"]
        if {"certificate", "x509CertificateChain"} & material.keys():
            raise errors.Untrusted(
                f"{SIGNATURE} is made with a certificate",
                "one made with a key",
                "Check it with OpenSSF's tool: pip install model-signing; model_signing verify.",
            )
        (entry,) = envelope["signatures"]
        if document["mediaType"] != _MEDIA or envelope["payloadType"] != _PAYLOAD:
            raise ValueError
        return Signature(
            base64.b64decode(envelope["payload"], validate=True),
            base64.b64decode(entry["sig"], validate=True),
            str(material.get("publicKey", {}).get("hint", "")),
        )
    except (errors.FormatError, AttributeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, errors.Untrusted):
            raise
        raise _unreadable() from None


def digests(payload: bytes) -> dict[str, str]:
    """The SHA-256 of every file that a statement is of.

    Raises:
        Untrusted: It is another kind of statement.
    """
    try:
        document: Any = jsonfile.loads(payload, SIGNATURE)
        if document["_type"] != _STATEMENT or document["predicateType"] != _PREDICATE:
            raise ValueError
        files = document["predicate"]["resources"]
        return {f["name"]: f["digest"] for f in files if f["algorithm"] == "sha256"}
    except (errors.FormatError, KeyError, TypeError, ValueError):
        raise _unreadable() from None


def _unreadable() -> errors.Untrusted:
    return errors.Untrusted(
        f"{SIGNATURE} cannot be read as a signature of a model",
        mend="Copy the bundle again from where it was made, or have it signed again.",
    )
