"""Self-contained HTML pages of reports: one style for light and dark, images as data, no scripts."""

import base64
import io
from html import escape

from PIL import Image

STYLE = """
:root { color-scheme: light dark; --text: #1c1917; --soft: #6b645f; --faint: #e7e5e4; --fill: #f5f5f4; --page: #fff;
  --accent: #b45309; --bad: #b91c1c; --good: #15803d; --series: #d97706; --other: #1d6fb8; }
@media (prefers-color-scheme: dark) { :root { --text: #f5f5f4; --soft: #a8a29e; --faint: #35302d; --fill: #231f1d;
  --page: #131110; --accent: #fbbf24; --bad: #fca5a5; --good: #4ade80; --series: #f59e0b; --other: #6cb6f5; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem 3rem;
  color: var(--text); background: var(--page); overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; } .note { color: var(--soft); margin: .3rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: .5rem 0; }
th, td { padding: .25rem .9rem .25rem 0; text-align: left; vertical-align: top; }
td { font-variant-numeric: tabular-nums; } th { border-bottom: 1px solid var(--faint); font-weight: 600; }
img { border-radius: 6px; } figure { margin: 0; } figcaption { font-size: .85rem; }
"""


def html_page(title: str, style: str, body: str) -> str:
    """A whole page. title: plain text. style: CSS beside STYLE. body: HTML."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style><body>{body}</body></html>\n"
    )


def inline_image(image: Image.Image, side: int, text: str = "") -> str:
    """An image as data in the page. side: pixels of its longer side, at most. text: what it shows, for alt."""
    small = image.copy()
    small.thumbnail((side, side))
    if max(small.size) < side // 2:  # enlarge tiny images, so that what they show is visible
        scale = side // max(small.size)
        small = small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=80)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<img alt="{escape(text)}" width="{small.width}" height="{small.height}" src="data:image/webp;base64,{data}">'
    )
