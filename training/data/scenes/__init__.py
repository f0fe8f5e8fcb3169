"""Generated images with captions and ground truth: scene graphs, drawing, captions, and tests made of them."""
