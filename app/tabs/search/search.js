// The search tab. The query is one object; the address is written from it and read back into it.
import { button, notice } from "../../ui/elements/elements.js";
import { leave, onAddress, readdress, visit, whichTab } from "../../ui/navigation/navigation.js";
import { collection, gettingReady, onState, request, session } from "../../ui/session/session.js";
import { droppable, upload } from "../../ui/upload/upload.js";
import { EMPTY, MOST, PAGE, isEmpty, queryAddress, readQuery, requestOf } from "./address.js";
import { listenToKeys } from "./keys.js";
import { fetchImages, holdImages } from "./loading.js";
import { resultCards, scoreRange, tagNodes } from "./results.js";
import { emptyText } from "./status.js";
import { DESCRIBE, SearchView } from "./view.js";

const LIKES = 24; // chosen images that a query takes at once

class Search extends SearchView {
  constructor(element, server) {
    super(element, server);
    this.query = { ...EMPTY };
    this.results = null; // the last answer: hits, total, matching, likely, threshold, and the range of their scores
    this.turn = 0; // answers to requests that were overtaken are dropped
    this.lost = false; // the last request never arrived; it is sent again
    this.tagNames = [];
    this.origin = null; // the button that opened the inspector
    this.seen = ""; // the collection and revision of the last results
    droppable(element, (file) => this.addFile(file));
    listenToKeys(this);
    this.read();
    this.drawTerms();
    this.waitForImages();
    onAddress((tab) => {
      if (tab === "search") this.revisit();
    });
    onState((state) => this.hear(state));
  }

  // ---- the query

  read() {
    this.query = readQuery(new URLSearchParams(location.search), history.state?.images || []);
    this.field.value = this.query.q;
    this.order.value = this.query.order;
    this.filters.read(this.query.filters);
  }

  // The address has changed: another query, or the same with another image open.
  revisit() {
    const before = JSON.stringify(this.query);
    this.read();
    if (this.results && before === JSON.stringify(this.query)) this.openAddressed();
    else this.run();
  }

  // Searches for another query. quietly: what is on the page stays until the answer is there, an open image too.
  change(query, quietly = false) {
    this.query = { ...query, k: PAGE };
    this.field.value = query.q;
    this.writeAddress(quietly ? this.inspector.opened() : null);
    this.run(quietly);
  }

  // A step of the history for the query. open: id of the image that stays open, or null.
  writeAddress(open = null) {
    const several = (session.state?.collections || []).length > 1;
    const current = new URLSearchParams(location.search);
    const params = queryAddress(this.query, several ? collection() : "", current);
    if (open) params.set("open", open);
    history.pushState({ images: this.query.images }, "", `${location.pathname}?${params}`);
  }

  async run(quietly = false) {
    const turn = ++this.turn;
    this.drawTerms();
    if (!quietly) {
      this.notice.replaceChildren();
      holdImages(this.grid);
      setTimeout(() => turn === this.turn && this.drawWaiting(), 150);
    }
    const answer = await request(this.server.find, { ...requestOf(this.query, collection()), k: this.query.k });
    if (turn !== this.turn) return;
    this.turn++;
    this.grid.removeAttribute("aria-busy");
    this.draw(answer);
    if (answer.threshold?.reason === "pending") setTimeout(() => this.turn === turn + 1 && this.run(true), 1200);
  }

  async showMore() {
    const turn = ++this.turn;
    this.more.disabled = true;
    const { hits } = this.results;
    const offset = hits.length;
    const answer = await request(this.server.find, { ...requestOf(this.query, collection()), k: PAGE, offset });
    this.more.disabled = false;
    if (turn !== this.turn) return;
    if (answer.error) {
      this.draw(answer);
      return;
    }
    const before = hits.at(-1);
    hits.push(...answer.hits);
    this.query.k = Math.min(MOST, offset + PAGE);
    readdress("search", { k: this.query.k });
    this.grid.append(...resultCards(answer.hits, this.results, this.cardActions(), before));
    this.selection.mark();
    this.drawStatus();
  }

  like(ids, sign) {
    this.selection.clear();
    const others = this.query.like.filter((term) => !ids.includes(term.id));
    const like = [...others, ...ids.slice(0, LIKES).map((id) => ({ id, sign }))];
    this.change({ ...this.query, q: this.field.value.trim(), like });
    window.scrollTo({ top: 0 });
  }

  async addFile(file) {
    this.notice.replaceChildren();
    this.form.classList.add("g-sending");
    const answer = await upload(file);
    this.form.classList.remove("g-sending");
    if (answer.error) {
      this.notice.replaceChildren(notice(answer.error));
      return;
    }
    const name = file.name && file.name !== "image.png" ? file.name : "your image";
    const images = [...this.query.images, { token: answer.image, sign: 1, name }];
    this.change({ ...this.query, q: this.field.value.trim(), images });
  }

  // ---- drawing

  draw(answer) {
    this.lost = Boolean(answer.lost);
    if (this.lost && this.results) {
      fetchImages(this.grid); // what is on the page stays
      this.notice.replaceChildren(notice(answer.error));
    } else if (answer.error) {
      this.drawError(answer.error);
    } else {
      this.drawResults(answer);
    }
  }

  drawError(error) {
    const { state } = session;
    const waiting = !state || (state.job?.state === "running" && !state.searchable);
    if (waiting && !state?.error) {
      this.waitForImages();
      const loading = state?.encoder?.state === "loading";
      this.status.textContent = loading
        ? `${gettingReady()} Then the first images are indexed.`
        : "Indexing the first images; they appear here as soon as they can be searched.";
    } else {
      this.results = null;
      this.grid.replaceChildren();
      this.status.textContent = "";
      this.notice.replaceChildren(notice(error));
    }
    this.histogram.show(null);
    this.remarks.clear();
    this.more.hidden = true;
    this.export.hide();
  }

  drawResults(answer) {
    this.results = { ...answer, ...scoreRange(answer.hits) };
    const focused =
      this.grid.contains(document.activeElement) && document.activeElement.closest(".g-grid-card")?.dataset.id;
    this.grid.replaceChildren(...resultCards(answer.hits, this.results, this.cardActions()));
    if (focused) this.focusCard(focused);
    this.notice.replaceChildren(...this.emptyNotice());
    this.histogram.show(answer.threshold);
    this.drawStatus();
    this.remarks.show(answer.threshold, this.query.q);
    this.openAddressed();
    this.selection.mark();
  }

  cardActions() {
    return {
      inspect: (hit, from) => this.inspect(hit, from),
      like: (ids, sign) => this.like(ids, sign),
      tick: (hit) => this.selection.tick(hit),
    };
  }

  emptyNotice() {
    const text = emptyText(this.results, this.query);
    if (!text) return [];
    const remove = button(null, "Remove the filters", () => this.change({ ...this.query, filters: [] }));
    return [this.results.hits.length || !this.query.filters.length ? notice(text) : notice(text, remove)];
  }

  // ---- images

  inspect(hit, from) {
    if (this.inspector.opened() === hit.id) {
      this.closeImage();
      return;
    }
    this.origin = from;
    visit("open", hit.id);
    this.showImage(hit);
  }

  closeImage() {
    this.inspector.close();
    leave("open");
  }

  // Opens the image that the address names, with its rank and score of now, or closes the one that it does not name.
  openAddressed() {
    const id = new URLSearchParams(location.search).get("open");
    if (!id) {
      if (this.inspector.opened()) this.inspector.close();
      return;
    }
    const hit = this.results.hits.find((one) => one.id === id);
    this.showImage(hit || { id, score: null, normalised_score: null });
  }

  // The next image of the results, or with -1 the previous one.
  step(by) {
    const { hits } = this.results;
    const hit = hits[hits.findIndex((one) => one.id === this.inspector.opened()) + by];
    if (hit) {
      visit("open", hit.id);
      this.showImage(hit);
    }
  }

  showImage(hit) {
    const body = isEmpty(this.query) ? null : requestOf(this.query, collection());
    this.inspector.show(hit, this.results.collection, body);
    this.mark();
  }

  async similar(id) {
    const answer = await request(this.server.find, { collection: this.results.collection, like: [id], k: 7 });
    return { hits: (answer.hits || []).filter((hit) => hit.id !== id).slice(0, 6) };
  }

  async tag(ids, name, on) {
    const answer = await request(this.server.tagging, { collection: this.results.collection, ids, name, on });
    if (answer.error) return answer;
    this.tagNames = answer.all;
    for (const hit of this.results.hits) if (hit.id in answer.tags) hit.tags = answer.tags[hit.id];
    for (const id of ids) {
      const tags = this.grid.querySelector(`[data-id="${CSS.escape(id)}"] .g-grid-tags`);
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

  // ---- the state of the page

  hear(state) {
    if (!state.collection) {
      if (!this.results) this.draw({ error: state.error });
      return;
    }
    this.drawChips(state.chips);
    this.footer.show(state);
    const imageOnly = state.encoder?.readsText === false;
    this.field.placeholder = imageOnly
      ? "This encoder has no text encoder: search names and captions, or with an image"
      : DESCRIBE;
    const now = `${state.collection} ${state.revision}`;
    const addressed = new URLSearchParams(location.search).get("collection") === state.collection;
    if (this.seen && state.changed && !addressed) {
      this.query = { ...this.query, like: [], filters: [] };
      this.selection.clear();
      this.filters.read([]);
      if (whichTab() === "search") this.writeAddress();
      this.field.focus();
    }
    if (!this.results || this.lost || now !== this.seen)
      this.run(Boolean(this.results) && !this.lost && !state.changed);
    else this.drawStatus();
    this.seen = now;
  }
}

export const search = (element, server) => new Search(element, server);
