"""Bundles to a model hub and back, by Hugging Face's own client: its login and its address.

`HF_ENDPOINT` names another hub that speaks the same, `HF_TOKEN` who asks; both are the client's. A
bundle's README.md is its page there.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ssdgm_export import extras
from ssdgm_export.bundle import convert
from ssdgm_export.deploy import folders
from ssdgm_runtime import atomic, errors
from ssdgm_runtime.bundle import contents
from ssdgm_runtime.bundle.trust import policy as trust

Json = dict[str, Any]


class HubError(errors.DataNotFound):
    """A hub did not take or give a bundle; `found` has its own words."""


@dataclass(frozen=True)
class Copy:
    """A bundle on a hub, and here.

    Attributes:
        repository: The repository, OWNER/NAME.
        revision: The commit.
        url: The page of that commit, as the hub gives it; empty of a bundle that was fetched.
        bundle: Where the bundle lies here.
        id: Its id.
    """

    repository: str
    revision: str
    url: str
    bundle: str
    id: str

    def to_json(self) -> Json:
        """The same as JSON-ready tables."""
        return asdict(self)


def push(
    bundle: atomic.PathLike,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
) -> Copy:
    """Bring a bundle to a repository, in place of any that is there; its history stays.

    Args:
        bundle: The bundle, a folder or a zip; every file is checked first.
        repository: OWNER/NAME; a new one is made.
        private: Make a new one private.
        revision: The branch; by default the main one.
        message: What the commit says.

    Raises:
        MissingExtra: huggingface_hub is not installed.
        HubError: The hub refuses, is not reached, or knows no login.
        SsdgmError: What is wrong with the bundle, as `load` says it.
    """
    hub, opened = _client(), contents.open_bundle(bundle)
    said = message or f"{opened.manifest.name} {opened.id[:12]}"
    with tempfile.TemporaryDirectory() as place:
        folders.fill(Path(place), folders.signed(opened))
        with _talking(repository):
            api = hub.HfApi()
            api.create_repo(repository, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repository,
                folder_path=place,
                revision=revision,
                commit_message=said,
                delete_patterns="*",
            )
    return Copy(repository, str(commit.oid), str(commit.commit_url), str(bundle), opened.id)


def pull(
    repository: str,
    out: atomic.PathLike,
    *,
    revision: str | None = None,
    policy: trust.Policy | None = None,
    force: bool = False,
) -> Copy:
    """Fetch a bundle from a repository; nothing is written unless all its digests are right.

    Args:
        repository: OWNER/NAME.
        out: A new folder, NAME.ssdgm.
        revision: A branch, a tag or a commit; by default the main branch.
        policy: Who must vouch for it, or which ids it may have.
        force: Replace a bundle that is there.

    Raises:
        MissingExtra: huggingface_hub is not installed.
        HubError: The hub refuses, is not reached, or has no such repository.
        InputError: `out` is no name of a bundle.
        SsdgmError: What is wrong with the bundle, as `load` says it.
        OutputExists, DataNotFound, NotWritable: `out` cannot be made.
    """
    hub = _client()
    if not str(out).endswith(convert.SUFFIX):
        raise errors.InputError("out", str(out), f"a name that ends in {convert.SUFFIX}")
    own = all((Path(out) / name).is_file() for name in (contents.SUMS, contents.MANIFEST))
    if Path(out).is_dir() and not own:
        raise errors.OutputExists(f"{out} is a folder and no bundle", mend="Choose another name.")
    with atomic.folder(out, replace=force) as partial, tempfile.TemporaryDirectory() as place:
        with _talking(repository):
            api = hub.HfApi()
            commit = api.repo_info(repository, revision=revision).sha
            api.snapshot_download(repository, revision=commit, local_dir=place)
        opened = contents.open_bundle(place, policy=policy)
        folders.fill(partial, folders.signed(opened))  # and nothing else that lies there
    return Copy(repository, str(commit), "", str(out), opened.id)


def policy(keys: Sequence[atomic.PathLike] = (), ids: Sequence[str] = ()) -> trust.Policy | None:
    """What a bundle must have: a signature by one of these keys, or one of these ids.

    Raises:
        InputError: A key cannot be read, or an id is no SHA-256.
    """
    return trust.Policy(keys=[Path(key) for key in keys], ids=list(ids)) if keys or ids else None


def _client() -> Any:  # noqa: ANN401  (only that much of it is used)
    return extras.package("huggingface_hub", "A hub", "ssdgm-export[hub]")


@contextlib.contextmanager
def _talking(repository: str) -> Iterator[None]:
    """Turn what the client raises into an error of ours, in its first line."""
    try:
        yield
    except Exception as error:  # the client's errors and its transport's share no base class
        why = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise HubError(
            f"The hub and {repository} failed ({why[:200].rstrip('.')})",
            mend="Check the name and the network; log in with: hf auth login",
        ) from None
