"""Keys and signatures of bundles, for command lines: JSON-ready tables and their text."""

from typing import Any

from ssdgm_runtime import atomic, terminal
from ssdgm_runtime.bundle.trust import keys, signing

Json = dict[str, Any]
PathLike = atomic.PathLike


def key(out: PathLike, kind: str = keys.ED25519, *, force: bool = False) -> Json:
    """Make a key; `keys.make` says what of."""
    return {
        "key": str(out),
        "public": f"{out}.pub",
        "fingerprint": keys.make(out, kind, force=force),
    }


def made(table: Json) -> str:
    """The result of `key`."""
    lines = [
        f"private key  {table['key']}: keep it secret, and keep a copy",
        f"public key   {table['public']}: give it to those who verify",
        f"fingerprint  {table['fingerprint']}",
    ]
    return "\n".join(map(terminal.plain, lines))


def sign(bundle: PathLike, key: PathLike, *, force: bool = False) -> Json:
    """Sign a bundle; `signing.sign` says what is raised."""
    id_, fingerprint = signing.sign(bundle, key, force=force)
    return {"bundle": str(bundle), "id": id_, "signer": fingerprint}


def signed(table: Json) -> str:
    """The result of `sign`."""
    lines = [
        f"{table['bundle']} is signed by the key {table['signer']}",
        "Who has its public key checks it with: verify BUNDLE --key FILE.pub",
    ]
    return "\n".join(map(terminal.plain, lines))
