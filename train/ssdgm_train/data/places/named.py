"""Data sets that are known by name and downloaded, each file with its pinned SHA-256.

The digests are those that TensorFlow Datasets and torchvision publish for the original files.
"""

from pathlib import Path

from ssdgm_runtime import atomic, errors
from ssdgm_train.data.places import fetch

Tell = fetch.Tell
CACHE = "SSDGM_CACHE_DIR"


def quiet(done: int, total: int, name: str) -> None:
    """Report no progress."""


def _mnist_like(bases: tuple[str, ...], *files: tuple[str, int, str]) -> tuple[fetch.Remote, ...]:
    return tuple(
        fetch.Remote(tuple(f"{base}/{name}" for base in bases), size, sha256)
        for name, size, sha256 in files
    )


KNOWN: dict[str, tuple[fetch.Remote, ...]] = {
    "mnist": _mnist_like(
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
        ),
        (
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "fashion-mnist": _mnist_like(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        ),
        (
            "train-images-idx3-ubyte.gz",
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    "kmnist": _mnist_like(
        (
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist",
        ),
        (
            "train-images-idx3-ubyte.gz",
            18_165_135,
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        (
            "train-labels-idx1-ubyte.gz",
            29_497,
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        (
            "t10k-images-idx3-ubyte.gz",
            3_041_136,
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            5_120,
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    "svhn": (
        fetch.Remote(
            ("http://ufldl.stanford.edu/housenumbers/train_32x32.mat",),
            182_040_794,
            "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
        ),
        fetch.Remote(
            ("http://ufldl.stanford.edu/housenumbers/test_32x32.mat",),
            64_275_384,
            "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
        ),
    ),
    "cifar10": (
        fetch.Remote(
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
}
"""The files of each set, which `layouts` reads out of one folder."""


def obtain(name: str, data_dir: str | None, tell: Tell) -> Path:
    """Download and verify a known set, and return its folder in the download cache.

    Args:
        name: One of `KNOWN`.
        data_dir: The folder of named sets, which the message mentions.
        tell: Called with the progress of a download.

    Raises:
        DataNotFound: It cannot be downloaded; the message says how to do so by hand.
        NotWritable: The cache is not writable.
    """
    folder = atomic.cache() / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise errors.NotWritable(
            f"The download folder {folder} cannot be created ({error.strerror})",
            mend=f"Set {CACHE} to a folder that this user may write to.",
        ) from None
    for remote in KNOWN[name]:
        try:
            fetch.fetch(remote, folder / remote.name, tell)
        except fetch.FetchError as error:
            raise errors.DataNotFound(
                f"{name} is neither under {data_dir or 'SSDGM_DATA_DIR (not set)'} "
                f"nor in {folder}, and {error.found}",
                mend=_by_hand(name, Path(data_dir) / name if data_dir else folder),
            ) from None
    return folder


def _by_hand(name: str, folder: Path) -> str:
    files = ", ".join(f"{r.urls[0]} (SHA-256 {r.sha256})" for r in KNOWN[name])
    return f"Download the files on any machine and put them into {folder}: {files}"
