"""A CLIP model without training, for benchmarks of speed: python benchmarks/random_weights.py ViT-B-32 FILE.pt

Speed does not depend on what weights say, and these can be made anywhere. Load them as ViT-B-32/FILE.pt.
"""

import sys
from pathlib import Path


def make_weights(architecture: str, path: Path) -> Path:
    """An open_clip checkpoint of architecture with seeded random weights at path, made if it is not there."""
    if not path.exists():
        import open_clip
        import torch

        torch.manual_seed(0)
        torch.save(open_clip.create_model(architecture).state_dict(), path)
    return path


if __name__ == "__main__":
    print(make_weights(sys.argv[1], Path(sys.argv[2])))
