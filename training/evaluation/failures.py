"""Examples of misclassified images."""

import numpy as np
from numpy.typing import NDArray

from training.evaluation.features import Features
from training.evaluation.subject import Failure

MAX_FAILURES = 12


def mislabelled(test: Features, predicted: NDArray[np.int64]) -> tuple[Failure, ...]:
    """The first images whose predicted class is wrong. predicted: [N]."""
    wrong = np.flatnonzero(np.asarray(predicted) != test.labels)[:MAX_FAILURES]
    return tuple(
        Failure(
            (test.image(number),),
            f"{test.classes[test.labels[number]]}, predicted as {test.classes[predicted[number]]}",
        )
        for number in wrong
    )
