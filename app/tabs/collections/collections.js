// The collections tab: a card for each collection, and a form for a new collection.
import { node, notice } from "../../ui/elements/elements.js";
import { folderField, indexForm, labelled } from "../../ui/index_form/index_form.js";
import { _ } from "../../ui/language/language.js";
import { goToCollection, onAddress, searchCollection, whichTab } from "../../ui/navigation/navigation.js";
import { refreshState, request } from "../../ui/session/session.js";
import { collectionCard } from "./card.js";

const BUSY = 1000; // milliseconds until the next request, while a job runs
const CALM = 6000;

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
    this.lost = false; // the last request had no answer
    this.notice = node("div", { id: "collections-notice", role: "status" });
    this.cards = node("div", { class: "g-collections-cards", id: "shelves" });
    this.form = newCollection(server, () => this.lookAgain());
    const text = _(
      "Others can reach this page, so collections are changed from the command line: python -m index build FOLDER --into DIR",
    );
    this.remote = node("p", { class: "g-aside", id: "elsewhere", hidden: true, text });
    element.querySelector(".g-collections").append(this.notice, this.cards, this.form, this.remote);
    onAddress((tab) => tab === "collections" && this.look());
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    let wait = BUSY;
    if (whichTab() === "collections") {
      const overview = await request(this.server.overview, {});
      this.draw(overview);
      wait = overview.cards?.some(({ job }) => job?.state === "running") ? BUSY : CALM;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), wait);
  }

  async act(body) {
    const { error } = await request(this.server.act, body);
    this.notice.replaceChildren(...(error ? [notice(error)] : []));
    this.lookAgain();
  }

  // Something was started: the bar of jobs has it too.
  lookAgain() {
    refreshState();
    this.look();
  }

  draw(overview) {
    if (overview.error) {
      this.notice.replaceChildren(notice(overview.error));
      this.lost = true; // until the next answer
      return;
    }
    if (this.lost) this.notice.replaceChildren();
    this.lost = false;
    const { cards, local } = overview;
    this.form.hidden = !local;
    this.remote.hidden = local;
    // Cards are drawn again only when something on them changed, so that nothing moves under a pointer.
    const now = JSON.stringify([local, cards.map(({ job, ...card }) => ({ ...card, busy: job?.state }))]);
    if (now === this.drawn) return;
    if (this.drawn) this.notice.replaceChildren(); // what was wrong was so with what is drawn anew
    this.drawn = now;
    const actions = {
      act: (body) => this.act(body),
      open: ({ key }) => searchCollection(key),
      another: ({ key }) => goToCollection("models", key),
    };
    this.cards.replaceChildren(...cards.map((card) => collectionCard(card, local, this.server, actions)));
  }
}

export const collections = (element, server) => new Collections(element, server);
