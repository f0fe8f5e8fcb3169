"""The bar of jobs in a real Chromium: in sight on every tab, with progress, stop, going on, and the outcome."""

import threading

import pytest
from playwright.sync_api import Page, expect

from app.state.jobs import Job
from tests.browsing import navigate, refresh
from training.models.errors import UserError

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning"),
]

IN_SIGHT = """() => {
  const { top, bottom, left, right } = document.querySelector("#job-bar .g-jobs").getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth + 1;
}"""


class Gate:
    """A job that waits halfway until it may end, or is stopped."""

    def __init__(self, site, kind: str = "verify"):
        self.open = threading.Event()
        self.begun = 0
        self.jobs, self.kind = site.library.jobs, kind
        self.start()

    def start(self) -> Job:
        self.job = self.jobs.start(self.kind, self.work, about="colours", again=self.start)
        return self.job

    def work(self, job: Job) -> None:
        self.begun += 1
        job.done, job.total, job.left = 500, 1000, 120.0
        while not self.open.wait(0.02):
            if job.stopping.is_set():
                raise UserError("it was stopped")
        job.note = "no faults"


@pytest.fixture
def gate(site):
    gate = Gate(site)
    yield gate
    gate.open.set()


def bar(page: Page):
    refresh(page)
    return page.locator("#job-bar")


def test_the_bar_is_in_sight_on_every_tab_at_every_width_and_place(opened, gate):
    page = opened("?q=red")
    expect(bar(page)).to_contain_text("Verifying colours")
    expect(bar(page)).to_contain_text("500 of 1,000, about 2 min left")
    expect(page.get_by_role("progressbar", name="Progress")).to_have_attribute("aria-valuenow", "50")
    for width in (390, 720, 1440):
        page.set_viewport_size({"width": width, "height": 700})
        for tab in ("search", "duplicates", "collections"):
            navigate(page, f"goTo('{tab}')")
            for place in ("0", "document.documentElement.scrollHeight / 2", "document.documentElement.scrollHeight"):
                page.evaluate(f"scrollTo(0, {place})")
                page.wait_for_function(IN_SIGHT)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_job_is_stopped_and_goes_on_from_any_tab_and_says_how_it_ended(opened, gate):
    page = opened("?tab=probe", ready="#tabs")
    bar(page).get_by_role("button", name="Stop").click()
    expect(bar(page)).to_contain_text("Not verified: colours")
    expect(bar(page)).to_contain_text("it was stopped")
    bar(page).get_by_role("button", name="Go on").click()
    expect(bar(page)).to_contain_text("Verifying colours")
    assert gate.begun == 2
    gate.open.set()
    expect(bar(page)).to_contain_text("Verified colours")
    expect(bar(page).get_by_role("status")).to_contain_text("Verified colours: no faults")
    page.reload()
    page.wait_for_selector("#job-bar .g-jobs-row")
    expect(bar(page)).to_contain_text("Verified colours")
    bar(page).get_by_role("button", name="Dismiss").click()
    expect(page.locator("#job-bar")).to_be_hidden()


def test_of_several_jobs_one_line_is_shown_and_the_others_on_demand(opened, gate, site):
    other = Gate(site, "umap")
    page = opened()
    rows = bar(page).locator(".g-jobs-row")
    expect(rows).to_have_count(2)
    expect(rows.filter(visible=True)).to_have_count(1)
    bar(page).get_by_role("button", name="1 more").click()
    expect(rows.filter(visible=True)).to_have_count(2)
    other.open.set()


def test_a_notification_says_that_a_job_has_ended_to_who_asked_for_it(opened, gate):
    page = opened(fresh=True)
    page.evaluate("""() => {
      window.told = [];
      window.Notification = class {
        static permission = "default";
        static requestPermission = async () => (window.Notification.permission = "granted");
        constructor(title, { body }) { window.told.push(`${title}: ${body}`); }
        addEventListener() {}
      };
      Object.defineProperty(document, "hidden", { value: true });
    }""")
    ask = bar(page).get_by_role("button", name="Notify me")
    ask.click()
    expect(ask).to_be_hidden()
    gate.open.set()
    page.wait_for_function("window.told.length > 0")
    assert page.evaluate("window.told")[0].startswith("Verified colours: no faults")
    page.close()
