// The bar of jobs below the header, which stays in sight on every tab: progress, time left, stop, go on, and the outcome.
import { node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { onState, refreshState, request } from "../session/session.js";
import { JobRow } from "./job_row.js";
import { jobText, jobTitle } from "./job_text.js";
import { askToNotify, canAsk, notify } from "./notification.js";
import { dismiss, shownJobs } from "./shown.js";

const MOST = 6; // rows

class JobBar {
  constructor(element, server) {
    this.server = server;
    this.rows = new Map(); // by the id of their job
    this.running = new Set(); // ids of the jobs that ran when the state was heard last
    this.open = false; // whether all rows are shown, and not only the first one
    this.problem = node("p", { class: "g-jobs-problem", role: "alert", hidden: true });
    this.list = node("div", { class: "g-jobs-list", id: "jobs" });
    const toggle = () => this.toggle();
    this.more = node("button", { type: "button", class: "g-clear g-jobs-more", id: "more-jobs", onclick: toggle });
    this.said = node("p", { class: "g-unseen", role: "status" });
    this.root = element.querySelector(".g-jobs");
    this.root.setAttribute("role", "region");
    this.root.setAttribute("aria-label", _("Jobs"));
    this.root.append(this.problem, this.list, this.more, this.said);
    onState((state) => state.jobs && this.show(state.jobs));
  }

  show(jobs) {
    this.jobs = jobs;
    const shown = shownJobs(jobs).slice(0, MOST);
    this.announce(shown);
    for (const [id, row] of this.rows) {
      if (shown.some((job) => job.id === id)) continue;
      row.root.remove();
      this.rows.delete(id);
    }
    shown.forEach((job, at) => this.place(job, at));
    this.root.hidden = !shown.length;
    this.root.classList.toggle("g-jobs-open", this.open);
    this.more.hidden = shown.length < 2;
    this.more.setAttribute("aria-expanded", String(this.open));
    this.more.textContent = this.open ? _("Show fewer") : _("{n} more", { n: shown.length - 1 });
    document.documentElement.classList.toggle("g-jobs-shown", shown.length > 0);
  }

  place(job, at) {
    const actions = {
      act: (action, one) => this.act(action, one),
      dismiss: (one) => this.dismiss(one),
      notify: { canAsk, ask: askToNotify },
    };
    const row = this.rows.get(job.id) || new JobRow(job, actions);
    row.show(job);
    this.rows.set(job.id, row);
    if (this.list.children[at] !== row.root) this.list.insertBefore(row.root, this.list.children[at] || null);
  }

  // Says which jobs have ended: aloud, and by a notification where a person asked for it.
  announce(jobs) {
    for (const job of jobs) {
      if (job.state === "running" || !this.running.has(job.id)) continue;
      this.said.textContent = `${jobTitle(job)}: ${jobText(job)}`;
      notify(jobTitle(job), jobText(job));
    }
    this.running = new Set(jobs.filter(({ state }) => state === "running").map(({ id }) => id));
  }

  toggle() {
    this.open = !this.open;
    this.show(this.jobs);
  }

  // Of a single line, what is behind it goes too.
  dismiss(job) {
    const ended = this.jobs.filter(({ state }) => state !== "running");
    dismiss((this.open ? [job] : ended).map(({ id }) => id));
    this.problem.hidden = true;
    this.show(this.jobs);
  }

  async act(action, job) {
    const { error } = await request(this.server.act, { action, job: job.id });
    this.problem.hidden = !error;
    this.problem.textContent = error || "";
    refreshState();
  }
}

export const jobBar = (element, server) => new JobBar(element, server);
