// The search tab. The query is one object; the address is written from it and read back into it.
import { button, node, notice } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { onAddress, readdress, whichTab } from "../../ui/navigation/navigation.js";
import { collection, gettingReady, onState, request, session } from "../../ui/session/session.js";
import { remember } from "../../ui/completion/recent.js";
import { droppable, upload } from "../../ui/upload/upload.js";
import { BROWSE_PAGE, EMPTY, MOST, PAGE, isEmpty, queryAddress, readQuery, requestOf, searchOf } from "./address.js";
import { listenToKeys } from "./keys.js";
import { ImageActions, seenOf } from "./image_actions.js";
import { fetchImages, holdImages } from "./loading.js";
import { scoreRange, sectionsOf, wholeHits, withHoles } from "./results.js";
import { emptyText, outsideText } from "./status.js";
import { DESCRIBE } from "./view.js";

const LIKES = 24; // chosen images that a query takes at once

class Search extends ImageActions {
  constructor(element, server) {
    super(element, server);
    this.query = { ...EMPTY };
    this.results = null; // the last answer: hits, total, matching, likely, threshold, and the range of their scores
    this.turn = 0; // answers to requests that were overtaken are dropped
    this.lost = false; // the last request never arrived; it is sent again
    this.tagNames = [];
    this.origin = null; // the button that opened the viewer
    this.seen = ""; // the collection, revision and tags of the last results
    droppable(element, (files) => this.addFiles(files));
    listenToKeys(this);
    this.read();
    this.drawTerms();
    this.waitForImages();
    onAddress((tab) => {
      if (tab === "search") this.revisit();
      else this.viewer.close();
    });
    onState((state) => this.hear(state));
  }

  // ---- the query

  read() {
    this.query = readQuery(new URLSearchParams(location.search), history.state?.images || []);
    this.field.value = this.query.q;
    this.order.value = this.query.order;
    this.collapse.value = this.query.collapse;
    this.scope.value = this.query.scope;
    this.filters.read(this.query.filters);
  }

  // The address has changed: another query, or the same with another image open.
  revisit() {
    const before = JSON.stringify(this.query);
    this.read();
    if (!this.results || before !== JSON.stringify(this.query)) return this.run();
    this.drawChoices(this.results.timeline ?? null);
    return this.openAddressed();
  }

  // Searches for another query. quietly: what is on the page stays until the answer is there, an open image too.
  change(query, quietly = false) {
    this.completion.close();
    this.query = { ...query, k: PAGE };
    this.field.value = query.q;
    this.writeAddress(quietly ? this.viewer.opened() : null);
    if (!quietly && this.grid.top > 0) window.scrollTo({ top: 0 }); // what comes is another list
    return this.run(quietly);
  }

  // A step of the history for the query. open: key of the image that stays open, or null.
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
    this.ownPhotos.show(session.state, !isEmpty(this.query));
    if (!quietly) {
      this.notice.replaceChildren();
      holdImages(this.grid.root);
      setTimeout(() => turn === this.turn && this.drawWaiting(), 150);
    }
    const answer = isEmpty(this.query) ? await this.browse() : await this.find();
    if (turn !== this.turn) return;
    this.turn++;
    this.grid.root.removeAttribute("aria-busy");
    this.draw(answer);
    if (answer.threshold?.reason === "pending") setTimeout(() => this.turn === turn + 1 && this.run(true), 1200);
  }

  find() {
    return request(this.server.find, { ...searchOf(this.query, collection()), k: this.query.k });
  }

  // The first page of all images; the grid asks for the others as they come into sight.
  async browse() {
    const answer = await this.browsePage({});
    return answer.error ? answer : { ...answer, hits: withHoles(wholeHits(answer.hits), answer.distinct) };
  }

  browsePage(part) {
    const { group } = this.query;
    return request(this.server.browse, { ...requestOf(this.query, collection()), group, k: BROWSE_PAGE, ...part });
  }

  async loadHits(offset, k) {
    const answer = await this.browsePage({ offset, k });
    return answer.error ? null : wholeHits(answer.hits);
  }

  async showMore() {
    const turn = ++this.turn;
    this.more.disabled = true;
    const { hits } = this.results;
    const offset = hits.length;
    const answer = await request(this.server.find, { ...searchOf(this.query, collection()), k: PAGE, offset });
    this.more.disabled = false;
    if (turn !== this.turn) return;
    if (answer.error) {
      this.draw(answer);
      return;
    }
    hits.push(...answer.hits);
    this.query.k = Math.min(MOST, offset + PAGE);
    readdress("search", { k: this.query.k });
    this.grid.show(hits, this.sections(), true);
    this.drawStatus();
  }

  like(ids, sign) {
    this.selection.clear();
    const others = this.query.like.filter((term) => !ids.includes(term.id));
    const like = [...others, ...ids.slice(0, LIKES).map((id) => ({ id, sign }))];
    this.change({ ...this.query, q: this.field.value.trim(), like });
    window.scrollTo({ top: 0 });
  }

  // Searches with images beside what the query has; those that cannot be read are named.
  async addFiles(files) {
    this.form.classList.add("g-sending");
    const answers = await Promise.all(files.map(upload));
    this.form.classList.remove("g-sending");
    const nameOf = ({ name }) => (name && name !== "image.png" ? name : _("your image"));
    const made = answers.flatMap(({ image: token }, i) => (token ? [{ token, sign: 1, name: nameOf(files[i]) }] : []));
    const q = this.field.value.trim();
    if (made.length) await this.change({ ...this.query, q, images: [...this.query.images, ...made] });
    else this.notice.replaceChildren();
    const named = files.length > 1;
    const errors = answers.flatMap(({ error }, i) => (error ? [named ? `${nameOf(files[i])}: ${error}` : error] : []));
    this.notice.append(...errors.map((error) => notice(error)));
  }

  // ---- drawing

  draw(answer) {
    this.lost = Boolean(answer.lost);
    if (this.lost && this.results) {
      fetchImages(this.grid.root); // what is on the page stays
      this.notice.replaceChildren(notice(answer.error));
    } else if (answer.error) {
      this.drawError(answer.error);
    } else {
      this.drawResults(answer);
    }
  }

  drawError(error) {
    const { state } = session;
    this.results = null; // those of another collection count for nothing here
    const waiting = !state || (state.job?.state === "running" && !state.searchable);
    if (waiting && !state?.error) {
      this.waitForImages();
      const loading = state?.encoder?.state === "loading";
      this.status.textContent = loading
        ? _("{waiting} Then the first images are indexed.", { waiting: gettingReady() })
        : _("Indexing the first images; they appear here as soon as they can be searched.");
    } else {
      this.grid.clear();
      this.status.textContent = "";
      this.notice.replaceChildren(notice(error));
    }
    this.histogram.show(null);
    this.remarks.clear();
    this.more.hidden = true;
    this.scrubber.show(null);
    this.export.hide();
    this.command.hidden = true;
  }

  sections() {
    return sectionsOf(this.results, (from, to, name) => this.selection.groupTick(from, to, name));
  }

  drawResults(answer) {
    const before = this.results;
    this.results = { ...answer, ...scoreRange(answer.hits) };
    const focused =
      this.grid.root.contains(document.activeElement) && document.activeElement.closest(".g-grid-card")?.dataset.id;
    this.drawChoices(answer.timeline ?? null);
    this.grid.show(answer.hits, this.sections());
    this.scrubber.show(answer.timeline ?? null);
    this.scrubber.draw();
    if (focused) this.focusCard(focused);
    this.notice.replaceChildren(...this.emptyNotice());
    this.histogram.show(answer.threshold);
    this.drawStatus();
    if (this.stored()) remember(collection(), this.stored());
    this.remarks.show(answer.threshold, this.query.q);
    this.openAddressed();
    this.selection.relist(before);
  }

  cardActions() {
    return {
      inspect: (hit, from) => this.open(hit, from),
      like: (ids, sign) => this.like(ids, sign),
      tick: (hit, at) => this.selection.tick(hit, at), // of one collection only
    };
  }

  emptyNotice() {
    const text = emptyText(this.results, this.query);
    if (!text) return [];
    const remove = button(null, _("Remove the filters"), () => this.withoutFilters());
    if (this.query.filters.length && this.results.likely === 0) this.lookOutside(this.turn);
    const removes = !this.results.hits.length && this.query.filters.length;
    return [notice(text, ...(removes ? [remove] : this.others()))];
  }

  // Two texts that the collection has images of, where it has none of what was looked for.
  others() {
    const chips = (session.state?.chips || []).filter((one) => one !== this.query.q).slice(0, 2);
    if (!chips.length || isEmpty(this.query)) return [];
    const other = (q) => button("search", q, () => this.change({ ...this.query, q, like: [], images: [] }));
    return [node("p", { class: "g-search-others" }, _("Here there are images of:"), ...chips.map(other))];
  }

  withoutFilters() {
    this.filters.read([]);
    this.change({ ...this.query, filters: [] });
  }

  // Offers the likely images that the filters leave out.
  async lookOutside(turn) {
    const body = { ...searchOf({ ...this.query, filters: [] }, collection()), k: 1 };
    const { likely } = await request(this.server.find, body);
    if (turn !== this.turn || !likely) return;
    const remove = button(null, _("Search without the filters"), () => this.withoutFilters(), { id: "outside" });
    this.notice.append(notice(outsideText(likely), remove));
  }

  // ---- the state of the page

  hear(state) {
    if (!state.collection) {
      if (!this.results) this.draw({ error: state.error });
      return;
    }
    this.drawChips(state.chips);
    this.ownPhotos.show(state, !isEmpty(this.query));
    this.footer.show(state);
    const imageOnly = state.encoder?.readsText === false;
    this.field.placeholder = imageOnly
      ? _("This encoder has no text encoder: search names and captions, or with an image")
      : DESCRIBE;
    const now = seenOf(state);
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
