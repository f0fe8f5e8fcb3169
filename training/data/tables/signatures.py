"""Whether bytes begin as an image file does."""

import re

# Of the formats in training/models/formats.py that have one.
SIGNATURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|RIFF....WEBP|BM....\0\0\0\0|II\*\0|MM\0\*|II\+\0|MM\0\+"
    rb"|....ftyp(avif|avis|heic|heix|heim|heis|hevc|hevx|mif1|msf1|jxl )|\xff\x0a|\0\0\0\x0cJXL |\0\0\0\x0cjP  "
    rb"|\xff\x4f\xff\x51|P[1-7]\s|P[Ff]\s|\0\0\1\0|8BPS|(\xef\xbb\xbf)?\s*<(\?xml|svg|!DOCTYPE svg)",
    re.DOTALL,
)


def is_image_data(data: bytes) -> bool:
    """Whether the first bytes are those of an image file."""
    return SIGNATURES.match(data) is not None
