"""The training loop, optimisers, ranks and checkpoints, independent of any method."""
