// What a person does with single images of the results: open them, go on to the next one, tag them, undo that.
import { button, notice } from "../../ui/elements/elements.js";
import { leave, visit } from "../../ui/navigation/navigation.js";
import { collection, request, session } from "../../ui/session/session.js";
import { isEmpty, requestOf } from "./address.js";
import { tagNodes } from "./results.js";
import { SearchView } from "./view.js";

// The collection, revision and tags that results were drawn from.
export const seenOf = ({ collection: key, revision, annotations }) => `${key} ${revision} ${annotations}`;

export class ImageActions extends SearchView {
  // Opens an image; from: the button that it was opened with.
  open(hit, from) {
    this.origin = from;
    visit("open", hit.id);
    this.showImage(hit);
  }

  closeImage() {
    this.viewer.close();
    leave("open");
  }

  // Opens the image that the address names, with its rank and score of now, or closes the one that it does not name.
  openAddressed() {
    const id = new URLSearchParams(location.search).get("open");
    if (!id) {
      this.viewer.close();
      return;
    }
    const hit = this.results.hits.find((one) => one?.id === id);
    this.showImage(hit || { id, score: null, normalised_score: null });
  }

  // The next image of the results, or with -1 the previous one.
  async step(by) {
    const from = this.viewer.opened();
    const hit = await this.neighbour(by);
    if (!hit || from !== this.viewer.opened()) return;
    visit("open", hit.id);
    this.showImage(hit);
  }

  // The image after or before the one that is open; null if there is none, or the open one is not of the results.
  async neighbour(by) {
    const at = this.grid.indexOf(this.viewer.opened());
    return at < 0 ? null : this.grid.hitAt(at + by);
  }

  showImage(hit) {
    const body = isEmpty(this.query) ? null : requestOf(this.query, collection());
    const at = this.grid.indexOf(hit.id);
    this.viewer.show(hit, this.results.collection, body, at < 0 ? null : { at, of: this.results.hits.length });
    this.mark();
  }

  async similar(id) {
    const answer = await request(this.server.find, { collection: this.results.collection, like: [id], k: 7 });
    return { hits: (answer.hits || []).filter((hit) => hit.id !== id).slice(0, 6) };
  }

  // The files that a hit stands for; none if it is known to be the only one.
  async copies(hit) {
    if (hit.copies === 1) return { copies: [], count: 1 };
    const { collapse } = this.results;
    return request(this.server.copies, { collection: this.results.collection, id: hit.id, collapse });
  }

  async tag(ids, name, on) {
    const answer = await request(this.server.tagging, { collection: this.results.collection, ids, name, on });
    if (answer.error) return answer;
    this.tagNames = answer.all;
    this.seen = seenOf({ ...session.state, annotations: answer.annotations });
    this.results.hits.forEach((hit) => {
      if (hit.id in answer.tags) hit.tags = answer.tags[hit.id];
    });
    for (const id of ids) {
      const tags = this.grid.root.querySelector(`[data-id="${CSS.escape(id)}"] .g-grid-tags`);
      tags?.replaceChildren(...tagNodes(answer.tags[id]));
    }
    this.filters.refresh();
    const done = on ? "The tag was given." : "The tag was taken away.";
    this.notice.replaceChildren(notice(done, this.undoButton()));
    return answer;
  }

  undoButton() {
    return button(null, "Undo", () => this.undo(), { id: "undo", title: "Ctrl+Z" });
  }

  // Takes the last tag, or the last removal, of the collection back.
  async undo() {
    const answer = await request(this.server.undo, { collection: collection() });
    if (!answer.error) await this.run(true);
    this.notice.replaceChildren(notice(answer.error || answer.undone));
    this.filters.refresh();
  }
}
