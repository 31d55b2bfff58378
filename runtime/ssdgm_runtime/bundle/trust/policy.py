"""Which bundles a caller takes: those of known ids, and those that known keys have signed."""

import os
from collections.abc import Iterable

from ssdgm_runtime import errors
from ssdgm_runtime.bundle.trust import keys as signing
from ssdgm_runtime.bundle.trust import statement

_HEX = frozenset("0123456789abcdef")


class Policy:
    """What `load(policy=...)` asks of a bundle before it reads more of it than its sums.

    A bundle is taken if its id is among `ids`, or if one of `keys` signed it as it is now; with
    neither, unless it is revoked. What is revoked is taken in no case.

    Args:
        keys: Public keys that may sign: paths of PEM files, or their bytes.
        ids: Ids of bundles that are taken, signed or not.
        revoked: Ids of bundles, and fingerprints of keys, that are not trusted any more.

    Raises:
        InputError: All are empty, one is no list, or an entry is no key, id or fingerprint.
        DataNotFound, DataError: The file of a key cannot be read.
        MissingExtra: There are keys, and cryptography is not installed.

    Example:
        >>> sorted(Policy(ids=["0" * 64]).ids) == ["0" * 64]
        True
    """

    def __init__(
        self,
        keys: Iterable[signing.Key] = (),
        ids: Iterable[str] = (),
        revoked: Iterable[str] = (),
    ) -> None:
        for name, given in (("keys", keys), ("ids", ids), ("revoked", revoked)):
            if isinstance(given, (str, bytes, os.PathLike)):
                raise errors.InputError(name, "a single value", f"a list: {name}=[...]")
        pems = [key if isinstance(key, bytes) else signing.read(key) for key in keys]
        publics = [signing.public(pem) for pem in pems]
        self.keys = {signing.fingerprint(key): signing.pem(key) for key in publics}
        self.ids = frozenset(_digest(word, "ids") for word in ids)
        self.revoked = frozenset(_digest(word, "revoked") for word in revoked)
        if not (self.keys or self.ids or self.revoked):
            raise errors.InputError("policy", "empty", "keys, ids or revoked")

    def check(self, where: str, id_: str, data: bytes | None) -> str:
        """Refuse a bundle that this policy does not take.

        Args:
            where: What to call it in a message.
            id_: Its id.
            data: Its signature, the bytes of `model.sig`; None where it has none.

        Returns:
            The fingerprint of the key that signed it; empty where it is taken by its id.

        Raises:
            Untrusted: It is revoked, has another id, is not signed by one of the keys, or was
                changed after that.
        """
        if id_ in self.revoked:
            raise errors.Untrusted(
                f"{where} is revoked: the policy lists its id {id_[:12]}",
                mend="Get a newer version from its maker.",
            )
        if id_ in self.ids or not (self.keys or self.ids):
            return ""
        if not self.keys:
            raise errors.Untrusted(
                f"{where} has the id {id_[:12]}, which the policy does not list",
                mend="Get the version that was agreed on, or add its id to the policy.",
            )
        if data is None:
            raise errors.Untrusted(
                f"{where} is not signed: it has no {statement.SIGNATURE}",
                mend="Ask its maker for a signed copy; or, if you trust it, list its id.",
            )
        signature = statement.loads(data)
        maker = self._maker(where, signature)
        if statement.digests(signature.payload).get(statement.SUMS) != id_:
            raise errors.Untrusted(
                f"{where} was changed after it was signed: the signature is of another "
                f"{statement.SUMS}",
                mend="Copy it again from its maker, or have it signed again.",
            )
        return maker

    def _maker(self, where: str, signature: statement.Signature) -> str:
        """The fingerprint of the key that made a signature."""
        message, made = statement.signed(signature.payload), signature.bytes
        makers = (
            p for p, k in self.keys.items() if signing.verifies(signing.public(k), made, message)
        )
        maker = next(makers, None)
        if maker is None:
            raise _wrong(where, signature.key, self.keys)
        if maker in self.revoked:
            raise errors.Untrusted(
                f"{where} is signed by a key that is revoked, {maker[:12]}",
                mend="Ask its maker for a bundle that a newer key has signed.",
            )
        return maker


def _wrong(where: str, hint: str, known: Iterable[str]) -> errors.Untrusted:
    if hint in known:
        return errors.Untrusted(
            f"{where} has a signature that does not hold: it, or what it is of, was changed",
            mend="Copy the bundle again from its maker, or have it signed again.",
        )
    shown = hint[:12] if set(hint) <= _HEX else ""
    return errors.Untrusted(
        f"{where} is signed by another key{f', {shown}' if shown else ''}",
        f"one of {', '.join(print_[:12] for print_ in known)}",
        "Ask its maker for the public key, and compare its fingerprint with theirs.",
    )


def _digest(word: object, name: str) -> str:
    if not isinstance(word, str) or len(word) != 64 or not set(word) <= _HEX:
        raise errors.InputError(name, f"{word!r:.80}", "64 hexadecimal digits in lower case")
    return word
