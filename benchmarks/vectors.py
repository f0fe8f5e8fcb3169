"""Vectors like those of images, and queries like those of words, as many as are asked for.

    rows = ImageLike(512).rows(start, stop)      any part of an endless list, the same each time
    queries = ImageLike(512).words(366)

Uniformly random vectors say nothing about search: they have no neighbours. What is drawn here has what
real embeddings have. A cone: all images share a direction. A spectrum: the variance along the i-th
axis falls as 1 / i, as it does in embeddings of photographs. Clusters, of very different sizes, within
which images vary as much as clusters do among each other. And words that lie elsewhere: they share a
direction of their own (the modality gap of Liang et al. 2022), and only the rest of them points to a
cluster. The lengths and the exponent were chosen, not fitted to one encoder.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

CLUSTERS = 4000
BLOCK = 10_000  # rows drawn together
CONE, GAP, WITHIN = 0.75, 0.9, 1.0  # lengths beside a cluster's own, which is 1


class ImageLike:
    """dim: numbers a vector. seed: another collection."""

    def __init__(self, dim: int = 512, seed: int = 0):
        self.dim, self.seed = dim, seed

    @cached_property
    def spectrum(self) -> NDArray[np.float32]:
        """[dim], the standard deviation along each axis; its squares sum to 1."""
        variance = 1 / np.arange(2, self.dim + 2)
        return np.sqrt(variance / variance.sum()).astype(np.float32)

    @cached_property
    def _shared(self) -> NDArray[np.float32]:
        """[2, dim]: the direction that images share, and the one that words share; orthogonal unit rows."""
        rng = np.random.default_rng((self.seed, 1))
        return np.linalg.qr(rng.normal(size=(self.dim, 2)))[0].T.astype(np.float32)

    @cached_property
    def centres(self) -> NDArray[np.float32]:
        """[CLUSTERS, dim], of length 1 on average."""
        rng = np.random.default_rng((self.seed, 2))
        return rng.standard_normal((CLUSTERS, self.dim), np.float32) * self.spectrum

    @cached_property
    def _sizes(self) -> NDArray[np.float64]:
        """[CLUSTERS], the share of each: few are large and many small."""
        share = 1 / np.arange(1, CLUSTERS + 1) ** 0.7
        return share / share.sum()

    def rows(self, start: int, stop: int) -> NDArray[np.float32]:
        """Images start to stop: [stop - start, dim], unit rows."""
        blocks = range(start // BLOCK, -(-stop // BLOCK))
        drawn = np.concatenate([self._block(block) for block in blocks])
        return drawn[start - blocks.start * BLOCK :][: stop - start]

    def _block(self, block: int) -> NDArray[np.float32]:
        rng = np.random.default_rng((self.seed, 3, block))
        rows = self.centres[rng.choice(CLUSTERS, BLOCK, p=self._sizes)]
        rows = rows + WITHIN * rng.standard_normal((BLOCK, self.dim), np.float32) * self.spectrum
        return _unit(rows + CONE * self._shared[0])

    def images(self, count: int) -> NDArray[np.float32]:
        """Images that are not among the rows, to ask with: [count, dim]."""
        return ImageLike.rows(self, 10**9, 10**9 + count)

    def words(self, count: int) -> NDArray[np.float32]:
        """Queries as words make them: each names a cluster, off by the gap. [count, dim], unit rows."""
        rng = np.random.default_rng((self.seed, 4))
        meant = self.centres[rng.choice(CLUSTERS, count, replace=False)]
        vague = 0.5 * rng.standard_normal((count, self.dim), np.float32) * self.spectrum
        return _unit(meant + vague + GAP * self._shared[1])


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
