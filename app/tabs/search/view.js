// What there is to see on the search tab, and how the query and the number of results are drawn.
import { commandButton } from "../../ui/command/command.js";
import { button, node } from "../../ui/elements/elements.js";
import { ExportPanel } from "../../ui/export_panel/export_panel.js";
import { filterText } from "../../ui/filters/filter_text.js";
import { filters } from "../../ui/filters/filters.js";
import { footer } from "../../ui/footer/footer.js";
import { skeletons } from "../../ui/grid/grid.js";
import { VirtualGrid } from "../../ui/grid/virtual_grid.js";
import { histogram } from "../../ui/histogram/histogram.js";
import { _ } from "../../ui/language/language.js";
import { classifyImage } from "../../ui/navigation/navigation.js";
import { pills, removeButton } from "../../ui/query/query.js";
import { scrubber } from "../../ui/scrubber/scrubber.js";
import { isSaved, toggleSaved } from "../../ui/completion/recent.js";
import { collection, gettingReady, request, session } from "../../ui/session/session.js";
import { toast } from "../../ui/toast/toast.js";
import { viewer } from "../../ui/viewer/viewer.js";
import { COPIES, GROUPS, MOST, ORDERS, PAGE, SCOPES, isEmpty } from "./address.js";
import { searchBar } from "./bar.js";
import { completeSearch } from "./completing.js";
import { exportMenu } from "./export.js";
import { ownPhotos } from "./own_photos.js";
import { remarks } from "./remarks.js";
import { resultCard } from "./results.js";
import { searchSelection } from "./selection_bar.js";
import { remaining, statusText } from "./status.js";

export const DESCRIBE = _("Describe an image: a cat + beach - dog");

// The tab's nodes. What a person does is answered by the methods of Search, which extends this.
export class SearchView {
  constructor(element, server) {
    this.server = server;
    this.makeTop();
    this.makeResults();
    const split = node(
      "div",
      { class: "g-split" },
      node("div", { class: "g-main" }, this.grid.root, this.more),
      this.scrubber.root,
    );
    element
      .querySelector(".g-search")
      .append(
        ...this.top,
        this.filters.panel,
        this.filtered,
        this.remarks.root,
        this.notice,
        split,
        node("div", { class: "g-selection-dock" }, this.toast.root, this.selection.bar),
        this.footer.root,
        this.viewer.root,
        this.exportPanel.root,
      );
  }

  makeTop() {
    const bar = searchBar(
      (text) => this.change({ ...this.query, q: text }),
      (files) => this.addFiles(files),
    );
    this.form = bar.form;
    this.field = bar.field;
    this.field.placeholder = DESCRIBE;
    this.pills = node("div", { class: "g-query-terms", id: "terms", "aria-label": _("Terms of the query") });
    this.chips = node("div", { class: "g-chips", id: "chips", "aria-label": _("Suggestions") });
    this.status = node("p", { class: "g-status", id: "status", role: "status" });
    const setThreshold = (threshold) => this.change({ ...this.query, threshold }, true);
    this.remarks = remarks(this.server, setThreshold);
    this.histogram = histogram(setThreshold);
    const load = (chosen) => request(this.server.filters, { collection: collection(), facets: chosen });
    this.filters = filters(load, (chosen) => this.change({ ...this.query, filters: chosen }));
    this.filtered = node("div", { class: "g-query-terms", id: "filtered", "aria-label": _("Filters that are on") });
    const head = node("div", { class: "g-results-head" }, this.status, this.histogram.root, this.makeTools());
    this.ownPhotos = ownPhotos(this.server);
    this.completion = completeSearch(this);
    this.form.append(this.completion.list);
    this.top = [this.form, this.pills, this.chips, this.ownPhotos.root, head];
  }

  makeTools() {
    const settings = { id: "open-filters", "aria-expanded": "false", "aria-controls": "filters" };
    this.filterButton = button("filter", _("Filters"), () => this.openFilters(this.filters.panel.hidden), settings);
    this.order = this.choice("order", _("Order"), ORDERS);
    this.collapse = this.choice("collapse", _("Copies"), COPIES);
    this.group = this.choice("group", _("Groups"), GROUPS);
    this.scope = this.choice("scope", _("Collections that are searched"), SCOPES);
    this.scope.hidden = true; // until it is known that there are several
    this.export = exportMenu();
    this.command = commandButton("copy-search-command", () => this.results?.command);
    this.command.hidden = true; // until there are results
    this.save = button("star", _("Save search"), () => this.saveSearch(), { id: "save-search", hidden: true });
    return node(
      "div",
      { class: "g-tools" },
      this.scope,
      this.filterButton,
      this.group,
      this.order,
      this.collapse,
      this.save,
      this.export.link,
      this.command,
      this.export.root,
    );
  }

  // A select for one field of the query. choices: texts by value.
  choice(field, label, choices) {
    const options = Object.entries(choices).map(([value, text]) => node("option", { value, text }));
    const onchange = () => this.change({ ...this.query, [field]: select.value });
    const select = node("select", { class: "g-button", id: field, "aria-label": label, onchange }, ...options);
    return select;
  }

  makeResults() {
    this.notice = node("div", { id: "search-notice" });
    this.grid = new VirtualGrid(
      "grid",
      (hit, at) => this.drawCard(hit, at),
      (offset, count) => this.loadHits(offset, count),
      () => this.scrubber.draw(),
    );
    this.scrubber = scrubber(this.grid);
    this.more = button(null, _("Show 60 more"), () => this.showMore(), {
      id: "more",
      class: "g-button g-grid-more",
      hidden: true,
    });
    this.footer = footer(this.server);
    const actions = {
      tag: (ids, name, on) => this.tag({ ids }, name, on),
      like: (id, sign) => this.likeOpened(id, sign),
      classify: (hit, facts) =>
        classifyImage({ id: hit.id, collection: this.collectionOfId(hit.id), name: facts.caption || facts.file }),
      explain: (body) => request(this.server.explain, body),
      inspect: (body) => request(this.server.inspect, body),
      similar: (id) => this.similar(id),
      copies: (hit) => this.copies(hit),
      open: (hit) => this.open({ ...hit, score: null, normalised_score: null }, this.origin),
      close: () => this.closeImage(),
      step: (by) => this.step(by),
      neighbour: (by) => this.neighbour(by),
    };
    this.viewer = viewer(actions, (id) => this.returnFrom(id));
    this.toast = toast();
    this.exportPanel = new ExportPanel(this.server);
    this.selection = searchSelection(this.grid.root, {
      list: () => ({ hits: [], ...this.results, whole: Boolean(this.results?.timeline) }),
      like: (ids, sign) => this.like(ids, sign),
      tag: (name, on) => this.tag(this.selection.request(), name, on),
      choose: () => request(this.server.choose, { ...this.listed(), ...this.selection.request() }),
      names: () => this.namesOfTags(),
      exportTo: () => this.exportPanel.open({ ...this.listed(), ...this.selection.request() }),
    });
  }

  openFilters(on) {
    this.filters.open(on);
    this.filterButton.setAttribute("aria-expanded", on);
  }

  // The image that was open last has the focus, or what opened it.
  returnFrom(key) {
    this.mark();
    const at = this.grid.indexOf(key);
    if (at >= 0) this.grid.focus(at);
    else if (this.origin?.isConnected) this.origin.focus();
  }

  drawCard(hit, at) {
    const made = resultCard(hit, at, this.results, this.cardActions());
    made.classList.toggle("g-selection-chosen", this.selection.has(hit.id, at));
    return made;
  }

  mark() {
    const key = this.viewer.opened();
    this.grid.root
      .querySelectorAll(".g-grid-card")
      .forEach((card) => card.classList.toggle("g-grid-open", card.dataset.id === key));
  }

  // Who moves about by keyboard stays on their image, or comes to the first of other results.
  focusCard(key) {
    this.grid.focus(Math.max(0, this.grid.indexOf(key)));
  }

  drawTerms() {
    const { nodes, single } = pills(this.query, (query) => this.change(query));
    this.pills.replaceChildren(...nodes);
    this.pills.hidden = !nodes.length;
    this.filtered.replaceChildren(...this.query.filters.map((filter) => this.filterPill(filter)));
    this.filtered.hidden = !this.query.filters.length;
    this.chips.hidden = !this.pills.hidden;
    this.chips.childNodes.forEach((chip) =>
      chip.setAttribute("aria-pressed", single && chip.textContent === this.query.q),
    );
    document.title = this.query.q ? `${this.query.q} · Gelato` : "Gelato";
  }

  filterPill(filter) {
    const text = filterText(filter);
    const remove = () => {
      const rest = this.query.filters.filter((other) => other !== filter);
      this.filters.read(rest);
      this.change({ ...this.query, filters: rest });
    };
    return node(
      "span",
      { class: "g-query-term" },
      node("span", { text }),
      removeButton(_("Remove the filter {text}", { text }), remove),
    );
  }

  drawChips(texts) {
    const now = JSON.stringify(texts);
    if (this.chips.dataset.texts === now) return;
    this.chips.dataset.texts = now;
    const chip = (text) => {
      const onclick = () => this.change({ ...this.query, q: text, like: [], images: [] });
      return node("button", { type: "button", class: "g-chip", text, "aria-pressed": text === this.query.q, onclick });
    };
    this.chips.replaceChildren(...(texts || []).map(chip));
  }

  waitForImages() {
    this.grid.clear(...skeletons(14));
    this.grid.root.setAttribute("aria-busy", "true");
  }

  drawWaiting() {
    this.grid.root.setAttribute("aria-busy", "true");
    if (!this.grid.root.childElementCount) this.grid.clear(...skeletons(14));
    if (!isEmpty(this.query) && session.state?.encoder?.state === "loading") {
      this.status.textContent = _("{waiting} The search runs as soon as it is there.", {
        waiting: gettingReady(),
      });
    }
  }

  // The choices of the page that hold for browsing or for searching only. timeline: null for a search.
  drawChoices(timeline) {
    this.grid.root.classList.toggle("g-grid-plain", Boolean(timeline));
    const best = this.order.querySelector("[value=best]");
    best.hidden = Boolean(timeline);
    this.order.value = timeline && this.query.order === "best" ? "newest" : this.query.order;
    this.group.hidden = !timeline || timeline.choices.length < 2;
    this.scope.hidden = Boolean(timeline) || (session.state?.collections || []).length < 2;
    if (!timeline) return;
    for (const option of this.group.options)
      option.hidden = !(option.value === "auto"
        ? timeline.choices.includes("day")
        : timeline.choices.includes(option.value));
    this.group.value = this.query.group === "auto" && !timeline.choices.includes("day") ? "none" : this.query.group;
  }

  // The search of the page as it is remembered; null for one that has images or is empty.
  stored() {
    const { q, filters: chosen, like, images } = this.query;
    return (q || chosen.length) && !like.length && !images.length ? { q, filters: chosen } : null;
  }

  saveSearch() {
    toggleSaved(collection(), this.stored());
    this.drawSave();
  }

  drawSave() {
    const search = this.stored();
    this.save.hidden = !search;
    if (search) this.save.setAttribute("aria-pressed", isSaved(collection(), search));
  }

  drawStatus() {
    const { job } = session.state || {};
    const indexing = job?.state === "running" && job.total > this.results.total;
    const { lead, rest } = statusText(this.results, this.query, indexing);
    this.status.replaceChildren(node("b", { text: lead }), rest);
    const left = remaining(this.results, this.query.k, MOST);
    this.more.hidden = left <= 0;
    this.more.querySelector("span").textContent = _("Show {n} more", { n: Math.min(PAGE, left) });
    this.command.hidden = !this.results.command;
    if (this.results.collections) this.export.hide();
    else this.export.show(this.query, this.results);
    this.drawSave();
    const { length } = this.query.filters;
    this.filterButton.querySelector("span").textContent = length
      ? _("Filters ({amount})", { amount: length })
      : _("Filters");
  }
}
