// What a person does with single images of the results: open them, go on to the next one, tag them, undo that.
import { button } from "../../ui/elements/elements.js";
import { count, images } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { keyOf } from "../../ui/grid/grid.js";
import { goToCollection, leave, visit } from "../../ui/navigation/navigation.js";
import { collection, request, session } from "../../ui/session/session.js";
import { signed } from "../../ui/query/terms.js";
import { isEmpty, requestOf } from "./address.js";
import { collectionOf, tagNodes } from "./results.js";
import { SearchView } from "./view.js";

// The collection, revision and tags that results were drawn from.
export const seenOf = ({ collection: key, revision, annotations }) => `${key} ${revision} ${annotations}`;

// What tagging did. changed: of count images.
export const taggedText = ({ name, changed, count: amount }, on) => {
  const others = amount - changed;
  const values = { images: images(changed), name, others: count(others) };
  if (on) return others ? _("{images} tagged: {name}; {others} had it", values) : _("{images} tagged: {name}", values);
  return others
    ? _("{images} untagged: {name}; {others} did not have it", values)
    : _("{images} untagged: {name}", values);
};

export class ImageActions extends SearchView {
  // Opens an image; from: the button that it was opened with.
  open(hit, from) {
    this.origin = from;
    visit("open", keyOf(hit));
    this.showImage(hit);
  }

  closeImage() {
    this.viewer.close();
    leave("open");
  }

  // Opens the image that the address names, with its rank and score of now, or closes the one that it does not name.
  openAddressed() {
    const key = new URLSearchParams(location.search).get("open");
    if (!key) {
      this.viewer.close();
      return;
    }
    const [id, of] = key.split("/").toReversed();
    const hit = this.results.hits[this.grid.indexOf(key)];
    this.showImage(hit || { id, collection: of, score: null, normalised_score: null });
  }

  // The next image of the results, or with -1 the previous one.
  async step(by) {
    const from = this.viewer.opened();
    const hit = await this.neighbour(by);
    if (!hit || from !== this.viewer.opened()) return;
    visit("open", keyOf(hit));
    this.showImage(hit);
  }

  // The image after or before the one that is open; null if there is none, or the open one is not of the results.
  async neighbour(by) {
    const at = this.grid.indexOf(this.viewer.opened());
    return at < 0 ? null : this.grid.hitAt(at + by);
  }

  showImage(hit) {
    const of = collectionOf(hit, this.results);
    const body = isEmpty(this.query) ? null : requestOf(this.query, of || collection());
    const at = this.grid.indexOf(keyOf(hit));
    this.viewer.show(hit, of, body, at < 0 ? null : { at, of: this.results.hits.length });
    this.mark();
  }

  async similar(id) {
    const of = this.collectionOfId(id);
    const answer = await request(this.server.find, { collection: of, like: [id], k: 7 });
    const others = (answer.hits || []).filter((hit) => hit.id !== id).slice(0, 6);
    return { hits: this.query.scope === "all" ? others.map((hit) => ({ ...hit, collection: of })) : others };
  }

  // Searches with the image that is open. Its id is of its collection, so that alone is searched then.
  likeOpened(id, sign) {
    if (this.query.scope !== "all") return this.like([id], sign);
    const like = signed([...this.query.like, { id, sign }], "id");
    return goToCollection("search", this.collectionOfId(id), { like, scope: null });
  }

  // The files that a hit stands for; none if it is known to be the only one.
  async copies(hit) {
    if (hit.copies === 1) return { copies: [], count: 1 };
    const { collapse } = this.results;
    return request(this.server.copies, { collection: this.collectionOfId(hit.id), id: hit.id, collapse });
  }

  // The request of the list on the page, of which a choice may name places.
  listed() {
    const { group } = this.query;
    return { ...requestOf(this.query, this.results.collection), group };
  }

  // The collection of an image of the results, or of the one that is open.
  collectionOfId(id) {
    if (this.viewer.hit?.id === id) return this.viewer.collection;
    return collectionOf(
      this.results.hits.find((hit) => hit?.id === id),
      this.results,
    );
  }

  // Gives a tag to what is chosen, or takes it away. choice: { ids } or what the selection requests.
  async tag(choice, name, on) {
    const one = this.query.scope === "all" && choice.ids?.length === 1 && this.collectionOfId(choice.ids[0]);
    const answer = await request(this.server.tagging, {
      ...this.listed(),
      ...(one && { collection: one }),
      ...choice,
      name,
      on,
    });
    if (answer.error) return answer;
    this.tagNames = answer.all;
    this.seen = seenOf({ ...session.state, annotations: answer.annotations });
    const chosen = choice.spans
      ? (hit, at) => this.selection.has(hit.id, at)
      : (hit) => choice.ids.includes(hit.id) && (!one || hit.collection === one);
    this.drawTags(chosen, answer.name, on);
    this.filters.refresh();
    this.toast.show(taggedText(answer, on), answer.changed && this.undoButton(answer.action));
    return answer;
  }

  // Gives the hits in memory of which chosen(hit, place) is true a tag, or takes it away, without another request.
  drawTags(chosen, name, on) {
    this.results.hits.forEach((hit, at) => {
      if (!chosen(hit, at)) return;
      const others = (hit.tags || []).filter((one) => one !== name);
      hit.tags = on && !hit.tags?.includes(name) ? [...others, name] : on ? hit.tags : others;
    });
    for (const card of this.grid.root.querySelectorAll(".g-grid-card[data-id]")) {
      const hit = this.results.hits[card.dataset.index];
      if (hit) card.querySelector(".g-grid-tags")?.replaceChildren(...tagNodes(hit.tags));
    }
  }

  // The tags of the collection.
  async namesOfTags() {
    if (!this.tagNames.length)
      this.tagNames = (await request(this.server.tags, { collection: collection() })).tags || [];
    return this.tagNames;
  }

  undoButton(action) {
    return button(null, _("Undo"), () => this.undo(action), { id: "undo", title: _("Ctrl+Z") });
  }

  // Takes an action of the collection back, the last one if its number is not given.
  async undo(action = null) {
    const answer = await request(this.server.undo, { collection: collection(), action });
    if (!answer.error) await this.run(true);
    this.toast.show(answer.error || answer.undone);
    this.filters.refresh();
  }
}
