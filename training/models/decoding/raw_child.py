"""What the child process does with a RAW file that has no JPEG preview."""

import io
import os

os.environ["OMP_NUM_THREADS"] = "1"


def convert(data: bytes) -> bytes:
    """The RAW data developed at half its size: a PNG, upright."""
    import rawpy
    from PIL import Image

    with rawpy.imread(io.BytesIO(data)) as raw:
        pixels = raw.postprocess(half_size=True, use_camera_wb=True)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
