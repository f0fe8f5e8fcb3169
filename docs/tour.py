"""The page in eight screenshots, taken anew: what docs/tour.md shows.

    python docs/tour.py

Starts `python app.py` on the demo collection and drives it in Chromium as a visitor would. The images are those
of the demo: OpenMoji's drawings (CC BY-SA 4.0) and photographs from scikit-image, scikit-learn and matplotlib.
"""

import io
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

HERE = Path(__file__).parent
WIDE, PHONE = {"width": 1280, "height": 820}, {"width": 390, "height": 844}
LARGEST = 250_000  # bytes of a file
READY = """async () => {
  const read = async (path) => (await fetch(path)).json();
  const [collections, jobs] = await Promise.all([read("api/v1/collections"), read("api/v1/jobs")]);
  return collections[0].state === "ready" && jobs.length > 0 && jobs.every((job) => job.state !== "running");
}"""


def results(page: Page) -> None:
    page.goto(f"{page.url.partition('?')[0]}?q=a+flower")
    settled(page)


def inspector(page: Page) -> None:
    page.goto(f"{page.url.partition('?')[0]}?q=a+cat")
    settled(page)
    page.locator("#grid .g-grid-card").first.click()
    settled(page)
    heat = page.get_by_role("button", name="Heat map")
    heat.click()
    expect(heat).to_be_enabled(timeout=60_000)
    page.evaluate("window.scrollTo({ top: 0 })")


def arithmetic(page: Page) -> None:
    page.goto(f"{page.url.partition('?')[0]}?q=2:fruit+%2B+red+-+apple")
    settled(page)
    page.locator("#open-filters").click()
    settled(page)


def tab(name: str, *steps: Callable[[Page], object]) -> Callable[[Page], None]:
    def show(page: Page) -> None:
        page.goto(f"{page.url.partition('?')[0]}?tab={name}")
        settled(page)
        for step in steps:
            step(page)
        settled(page)
        page.wait_for_timeout(1500)

    return show


def label(page: Page) -> None:
    page.locator("#classify-all").click()
    page.locator("#labels .g-grid-card img").first.wait_for(timeout=60_000)
    page.locator("#labels").evaluate("on => window.scrollTo({ top: on.getBoundingClientRect().top - 60 })")


# Name, what it shows, how to get there, and the size and theme of the screen.
SHOTS: tuple[tuple[str, Callable[[Page], None], dict[str, int], str], ...] = (
    ("search", results, WIDE, "light"),
    ("inspector", inspector, WIDE, "light"),
    ("filters", arithmetic, WIDE, "dark"),
    ("classify", tab("classify", label), WIDE, "light"),
    ("probe", tab("probe"), WIDE, "light"),
    ("map", tab("map"), WIDE, "light"),
    ("compare", tab("compare"), WIDE, "dark"),
    ("phone", results, PHONE, "light"),
)


def settled(page: Page) -> None:
    """Nothing is on its way and every image in sight is drawn."""
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("#tabs [role=tab][aria-selected=true]")
    page.wait_for_timeout(600)


def save(screenshot: bytes, path: Path) -> None:
    """Write a WebP file of the highest quality below LARGEST bytes."""
    image = Image.open(io.BytesIO(screenshot)).convert("RGB")
    for quality in (90, 80, 70, 60, 50):
        out = io.BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() < LARGEST:
            path.write_bytes(out.getvalue())
            return
    raise click.ClickException(f"{path.name} does not get smaller than {LARGEST:,} bytes.")


@click.command()
@click.option("--into", type=click.Path(path_type=Path), default=HERE / "tour", show_default="docs/tour")
@click.option("--only", multiple=True, help="Only these images.")
def main(into: Path, only: tuple[str, ...]) -> None:
    """Take the images."""
    into.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-u", "app.py", "--no-browser", "--port", "0"]
    with (
        subprocess.Popen(command, cwd=HERE.parent, stdout=subprocess.PIPE, text=True) as server,
        sync_playwright() as play,
    ):
        try:
            assert server.stdout is not None
            url = next(match[0] for line in server.stdout if (match := re.search(r"http://[\d.:]+/", line)))
            chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
            browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
            for name, show, size, look in SHOTS:
                if only and name not in only:
                    continue
                page = browser.new_page(viewport=size, color_scheme=look, reduced_motion="reduce")
                page.goto(f"{url}?__theme={look}")
                page.wait_for_selector("#grid .g-grid-card img", timeout=120_000)
                while not page.evaluate(READY):
                    page.wait_for_timeout(500)
                page.evaluate(f"document.body.classList.toggle('dark', {str(look == 'dark').lower()})")
                show(page)
                page.evaluate(f"document.body.classList.toggle('dark', {str(look == 'dark').lower()})")
                page.wait_for_timeout(300)
                save(page.screenshot(), into / f"{name}.webp")
                click.echo(f"{name}: {(into / f'{name}.webp').stat().st_size:,} bytes")
                page.close()
            browser.close()
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
