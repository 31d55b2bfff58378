"""How `train` would change rows so that their labels stay: in words, with what that assumes."""

from collections.abc import Sequence

from ssdgm_train.augmentation import choice, images, places, series, several, values
from ssdgm_train.labels import Points
from ssdgm_train.portfolio.candidates import Candidate
from ssdgm_train.problems import Problem

WORDS: dict[type, str] = {
    images.Images: "images turned, scaled, sheared, moved, bent, partly erased, of another "
    "contrast, {mirrored}",
    series.Windows: "windows noisy, of another size, faster or slower, moved, silent for a while",
    places.Shades: "pictures of another contrast and brightness, grained and blurred",
    values.Values: "numbers noisy, a tenth of the columns another row's",
    several.Several: "views noisy or moved as suits each, half of the rows without one of theirs",
}
"""What each augmentation does to rows at its full strength."""

NONE = "none: no row is changed"


def described(every: Sequence[Candidate], problem: Problem) -> str:
    """Which of the recipes change rows, how, and what is assumed; `NONE` where none does.

    Args:
        every: The recipes that would be trained.
        problem: What the rows are.
    """
    using = [
        one for one in every if one.plan.regularise.consistency or one.plan.regularise.augmented
    ]
    if not using:
        return NONE
    mirrored = [one.name for one in using if one.plan.regularise.mirror]
    where = f" in {', '.join(mirrored)} alone" if len(mirrored) < len(using) else ""
    how = WORDS[type(choice.augmentation_for(problem))].format(
        mirrored=f"mirrored{where}" if mirrored else "not mirrored"
    )
    names = ", ".join(one.name for one in using)
    if isinstance(problem.labels, Points):
        return f"in {names}: {how}; points move with their images, which are then not bent"
    return f"in {names}: {how}; assumed to leave labels as they are"
