"""The images that an encoder got wrong, to look at."""

from typing import Any

import numpy as np

from training.evaluation.features import Features
from training.evaluation.subject import Failure

MOST = 12


def mislabelled(test: Features, predicted: Any) -> tuple[Failure, ...]:
    """The first images whose predicted class [N] is not their own."""
    wrong = np.flatnonzero(np.asarray(predicted) != test.labels)[:MOST]
    return tuple(
        Failure(
            (test.image(number),),
            f"{test.classes[test.labels[number]]}, taken for {test.classes[predicted[number]]}",
        )
        for number in wrong
    )
