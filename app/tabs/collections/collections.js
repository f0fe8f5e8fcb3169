// The collections tab: a card for each collection, the jobs that run, and a form for a new collection.
import { button, node, notice } from "../../ui/elements/elements.js";
import { folderField, indexForm, labelled } from "../../ui/index_form/index_form.js";
import { _ } from "../../ui/language/language.js";
import { goToCollection, onAddress, searchCollection, whichTab } from "../../ui/navigation/navigation.js";
import { request } from "../../ui/session/session.js";
import { collectionCard } from "./card.js";
import { jobText, jobTitle } from "./texts.js";

const BUSY = 1000; // milliseconds until the next request, while a job runs
const CALM = 6000;
const MOST_JOBS = 6;

const progressBar = ({ done, total }) => {
  const width = `${total ? Math.max(2, (100 * done) / total) : 3}%`;
  return node("div", { class: "g-progress" }, node("i", { style: { width } }));
};

// accepted() hears that a folder is being indexed.
const newCollection = (server, accepted) =>
  indexForm(
    server,
    { class: "g-collections-new", id: "new-collection", hidden: true },
    [
      node("h2", { text: _("Index a folder") }),
      folderField(server, "folders", _("Folder, table or tar shards on this computer"), "/home/ana/Images"),
      labelled("name", _("Name (optional)"), "holidays"),
      labelled("encoder", _("Encoder"), "starter"),
      node("button", { type: "submit", class: "g-go", text: _("Index") }),
    ],
    accepted,
  );

class Collections {
  constructor(element, server) {
    this.server = server;
    this.timer = 0;
    this.drawn = ""; // what the cards were drawn from
    this.notice = node("div", { id: "collections-notice", role: "status" });
    this.cards = node("div", { class: "g-collections-cards", id: "shelves" });
    this.jobs = node("div", { class: "g-collections-jobs", id: "jobs" });
    this.form = newCollection(server, () => this.look());
    const text = _(
      "Others can reach this page, so collections are changed from the command line: python -m index build FOLDER --into DIR",
    );
    this.remote = node("p", { class: "g-aside", id: "elsewhere", hidden: true, text });
    element.querySelector(".g-collections").append(this.notice, this.jobs, this.cards, this.form, this.remote);
    onAddress((tab) => tab === "collections" && this.look());
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    let wait = BUSY;
    if (whichTab() === "collections") {
      const overview = await request(this.server.overview, {});
      this.draw(overview);
      wait = overview.jobs?.some((job) => job.state === "running") ? BUSY : CALM;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }

  async act(body) {
    const { error } = await request(this.server.act, body);
    this.notice.replaceChildren(...(error ? [notice(error)] : []));
    this.look();
  }

  draw(overview) {
    if (overview.error) {
      this.notice.replaceChildren(notice(overview.error));
      return;
    }
    const { jobs, names, cards, local } = overview;
    const shown = jobs.filter((job) => job.state === "running" || job.kind !== "label").slice(0, MOST_JOBS);
    this.jobs.replaceChildren(...shown.map((job) => this.job(job, names)));
    this.form.hidden = !local;
    this.remote.hidden = local;
    // Cards are drawn again only when something on them changed, so that nothing moves under a pointer.
    const now = JSON.stringify([local, cards.map(({ job, ...card }) => ({ ...card, busy: job?.state }))]);
    if (now === this.drawn) return;
    this.drawn = now;
    const actions = {
      act: (body) => this.act(body),
      open: ({ key }) => searchCollection(key),
      another: ({ key }) => goToCollection("models", key),
    };
    this.cards.replaceChildren(...cards.map((card) => collectionCard(card, local, this.server, actions)));
  }

  job(job, names) {
    const running = job.state === "running";
    const stop = () =>
      button(null, _("Stop"), () => this.act({ action: "stop", job: job.id }), {
        class: "g-button g-small",
        title: _("Safe: finished work is saved"),
      });
    return node(
      "div",
      { class: `g-collections-job-row ${job.error ? "g-collections-failed" : ""}`, "data-job": job.id },
      node("b", { text: jobTitle(job, names) }),
      node("span", { text: jobText(job) }),
      running ? progressBar(job) : node("span"),
      running && !job.stopping ? stop() : this.confirmation(job),
    );
  }

  // The button by which a person says that images which are gone were deleted.
  confirmation(job) {
    if (!job.confirm) return node("span");
    const prune = () => this.act({ action: "prune", key: job.about });
    return button(null, _("They were deleted: remove them"), prune, { class: "g-button g-small" });
  }
}

export const collections = (element, server) => new Collections(element, server);
