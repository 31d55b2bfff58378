"""How data is read and used: the table `data` of a recipe."""

import math
from dataclasses import dataclass

from ssdgm_runtime import errors
from ssdgm_runtime.readers import images
from ssdgm_runtime.rows import resizing
from ssdgm_train import likelihoods, problems, settings
from ssdgm_train.labels import dense, lookup

AUTO, CLASSES, TAGS, NUMBERS = "auto", "classes", "tags", "numbers"
ONE_CLASS, MASKS, POINTS = "one-class", "masks", "points"


def _policy(value: str) -> str:
    try:
        return "" if not value or resizing.parse(value) else resizing.WANTED
    except errors.DataError as error:
        return error.expected


def _space(name: str) -> str:
    known = (AUTO, CLASSES, TAGS, NUMBERS, ONE_CLASS, MASKS, POINTS)
    if name in known or lookup.is_own(name):
        return ""
    return f"one of {', '.join(known)}, or file.py:CLASS"


def _sixteens(side: int) -> str:
    return "" if side >= 0 and not side % dense.STRIDE else f"a multiple of {dense.STRIDE}"


@dataclass(frozen=True)
class DataPlan:
    """How the data is read and used.

    Attributes:
        validation: Share of the rows held out for validation, 10,000 at most; 0 for none, from 1
            on the number of rows.
        likelihood: "auto" is the one that fits the rows.
        total: The largest possible count of a binomial likelihood; 0 for the largest in training.
        prior: p(y), one number a class; empty for a uniform one. Of tags the probability of each;
            empty for their shares among the labelled training rows. Numbers have none.
        extra_classes: How many groups of rows to look for besides the classes that have labels;
            methods that can are told by `methods`.
        extra_share: The share of all rows that these are expected to have together; 0: each as
            many as a class that has labels.
        kind: What a row is; "auto" tells it by its shape and values.
        label: The column of a table that holds the labels; by default the one that is named so.
            Several columns, separated by commas, hold a tag or a number each.
        labels_as: "classes": every label is a class, however many there are; "auto": more than 20
            different numbers, or fewer than two labelled rows a class on average, are an error,
            since such labels are mostly measurements or names of rows. "tags": several yes/no
            labels a row; other labels are an error. "numbers": one or several measurements a row,
            NaN or an empty cell where one is not known. "one-class": normal rows and outliers,
            few of which may be known. "masks": a class for every place of a picture, see
            docs/data.md. "points": places in a picture, two numbers each, x and y in pixels.
        cut: The side of the random cuts of pictures that training sees where labels are masks, a
            multiple of 16; 0 for whole pictures.
        turned: Whether such a picture that is turned or mirrored is as likely as it was, as cells
            are and streets are not.
        objects: Whether masks number objects: 0 is then the background, anything else an object.
        weight: The column of a table that says how much a row counts: it is drawn as often as that
            in training; an array is named sample_weight. Errors are those of rows alike.
        class_weight: How much the labelled rows of each class count besides: "balanced", all
            classes alike; or "NAME=NUMBER" for each, 1 where none is given.
        normal: Of one-class, the labels that say normal; all others say outlier. By default the
            one of "normal", "inlier", "good" and "0" that there is; no label at all, and every
            row is normal.
        false_alarms: Of one-class, the share of normal rows that may be called outliers; the
            threshold is found on validation rows.
        ignore: Columns of a table to leave out.
        categorical: Columns of whole numbers that are names and no quantities, and of words that
            are kept although nearly every row has a word of its own.
        missing: Words and numbers in the features of a table that stand for a missing value, such
            as "-" or "-999", besides an empty cell, NA and the like; the bundle reads them so too.
            Arrays [rows, features] are read as a table with it, in which NaN is missing too.
        unlabelled: Words and numbers in the labels that stand for an unknown one, such as "?";
            also in arrays, in labels.csv, and names of folders of images.
        series: The column of a long table that tells series apart, a window each.
        time: Its column of times, by which the rows of a series are ordered.
        window: How many moments a window has that is cut of a series; its label is that of its
            last moment. 0: every series is one window.
        stride: How many moments after one window the next begins; 0: as many as a window has.
        resize: What becomes of image files of another size: "stretch 32x32", "crop 32x32" or
            "pad 32x32"; empty: they are an error.
        colour: What image files are read as: "grey", "rgb", or "auto", which is rgb if any image
            has colours.
    """

    validation: float = settings.setting(0.1, settings.between(0, math.inf))
    likelihood: str = settings.setting(AUTO, settings.among((AUTO, *likelihoods.LIKELIHOODS)))
    total: int = settings.setting(0, settings.between(0, 2**16 + 1))
    prior: tuple[float, ...] = settings.setting((), settings.above(0))
    extra_classes: int = settings.setting(0, settings.between(0, 1e4))
    extra_share: float = settings.setting(0.0, settings.between(0, 1))
    kind: str = settings.setting(AUTO, settings.among((AUTO, *problems.KINDS)))
    label: str = ""
    labels_as: str = settings.setting(AUTO, _space)
    weight: str = ""
    class_weight: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()
    false_alarms: float = settings.setting(0.05, settings.between(0, 0.5))
    cut: int = settings.setting(128, _sixteens)
    turned: bool = False
    objects: bool = False
    ignore: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()
    series: str = ""
    time: str = ""
    window: int = settings.setting(0, settings.between(0, 1e6))
    stride: int = settings.setting(0, settings.between(0, 1e6))
    resize: str = settings.setting("", _policy)
    colour: str = settings.setting(AUTO, settings.among(images.COLOURS))

    @property
    def finds(self) -> bool:
        """Whether there may be labels that no training row has, or none at all."""
        return bool(self.extra_classes) or self.labels_as == ONE_CLASS

    @property
    def read_as(self) -> str:
        """What labels are read as: points are numbers, two each."""
        return NUMBERS if self.labels_as == POINTS else self.labels_as

    @property
    def measured(self) -> bool:
        """Whether labels are numbers."""
        return self.read_as == NUMBERS

    @property
    def least(self) -> int:
        """How many different labels there must be: of one-class none."""
        return 0 if self.labels_as == ONE_CLASS else 2


DEFAULTS = DataPlan()
