// One job of the bar. The row stays while the job goes on, so that the focus stays on its buttons.
import { button, icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { searchCollection } from "../navigation/navigation.js";
import { collection } from "../session/session.js";
import { jobText, jobTitle, stopText } from "./job_text.js";

export class JobRow {
  // act(action, job) asks the server; dismiss(job) takes the row away; notify: { canAsk(), ask() }.
  constructor(job, { act, dismiss, notify }) {
    Object.assign(this, { job, notify });
    const small = { class: "g-button g-small" };
    this.title = node("b");
    this.text = node("span", { class: "g-jobs-text" });
    this.bar = node("i");
    this.progress = node("div", { class: "g-progress", role: "progressbar", "aria-label": _("Progress") }, this.bar);
    this.stop = button(null, _("Stop"), () => act("stop", this.job), { ...small, title: stopText(job) });
    this.tell = button(null, _("Notify me"), () => this.ask(), { ...small, title: _("When it has ended") });
    this.search = button("search", _("Search it"), () => searchCollection(this.job.about), small);
    this.again = button(null, _("Go on"), () => act("resume", this.job), small);
    this.confirm = button(null, _("They were deleted: remove them"), () => act("confirm", this.job), small);
    this.close = node(
      "button",
      { type: "button", class: "g-icon-button", title: _("Dismiss"), "aria-label": _("Dismiss") },
      icon("close"),
    );
    this.close.addEventListener("click", () => dismiss(this.job));
    this.tools = node(
      "div",
      { class: "g-jobs-tools" },
      this.tell,
      this.stop,
      this.search,
      this.confirm,
      this.again,
      this.close,
    );
    const words = node("div", { class: "g-jobs-words" }, this.title, this.text);
    this.root = node("div", { class: "g-jobs-row", "data-job": job.id }, words, this.tools, this.progress);
    this.show(job);
  }

  show(job) {
    this.job = job;
    const running = job.state === "running";
    this.root.classList.toggle("g-jobs-failed", job.state === "failed");
    this.title.textContent = jobTitle(job);
    this.text.textContent = jobText(job);
    this.text.title = this.text.textContent;
    this.progress.hidden = !running;
    const share = job.total ? Math.min(100, Math.floor((100 * job.done) / job.total)) : 0;
    this.bar.style.setProperty("width", `${Math.max(2, share)}%`);
    if (job.total) this.progress.setAttribute("aria-valuenow", share);
    else this.progress.removeAttribute("aria-valuenow");
    this.stop.hidden = !running || !job.stops || job.stopping;
    this.tell.hidden = !running || !this.notify.canAsk();
    this.search.hidden = !(job.kind === "index" && job.state === "done" && job.about !== collection());
    this.again.hidden = !job.resumes;
    this.confirm.hidden = !job.confirm;
    this.close.hidden = running;
  }

  async ask() {
    await this.notify.ask();
    this.show(this.job);
  }
}
