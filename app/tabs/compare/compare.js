// The compare tab: two encoders on one query, every encoder's neighbours of an image, the encoders and training runs.
import { node, notice } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { onAddress, whichTab } from "../../ui/navigation/navigation.js";
import { collection, onState, request, session } from "../../ui/session/session.js";
import { droppable, pasted, upload } from "../../ui/upload/upload.js";
import { PARTS, chooseSides, parseAddress, shareImages } from "./address.js";
import { EncoderTable } from "./encoders.js";
import { Neighbours } from "./neighbours.js";
import { Labelled } from "./labelled.js";
import { howToCompare, queryBar, showChoices, showField, showSides } from "./query.js";
import { showAgreement, showRankings } from "./ranking.js";
import { Runs } from "./runs.js";

// Entry point of the tab.
export const compare = (element, server) => new CompareTab(element, server).start();

class CompareTab {
  #collections = []; // every open collection with what is known of its encoder
  #shown = null; // the comparison on the page
  #asked = ""; // the sides of the last request
  #turn = 0; // of requests, so that only the latest is shown

  constructor(element, server) {
    this.element = element;
    this.server = server;
    this.settings = { a: "", b: "", q: "", like: "", images: [], ...parseAddress(location.search) };
    this.query = queryBar({
      side: (side, key) => this.#ask({ [side]: key }),
      text: (q) => this.#ask({ q, like: "", images: [] }),
      upload: (file) => this.#upload([file]),
    });
    this.help = node("div", { id: "compare-help" });
    this.notice = node("div", { id: "compare-notice" });
    this.status = node("p", { class: "g-status", id: "compare-status", role: "status" });
    this.columns = node("div", { class: "g-compare-columns", id: "compare-columns" });
    this.neighbours = new Neighbours(server);
    this.labelled = new Labelled(server);
    this.encoders = new EncoderTable(server);
    this.runs = new Runs(server);
    this.head = node("div", { class: "g-results-head" }, this.status);
    const parts = [this.query.element, this.help, this.notice, this.head];
    const sections = [
      this.columns,
      this.labelled.element,
      this.neighbours.element,
      this.encoders.element,
      this.runs.element,
    ];
    element.querySelector(".g-compare").append(...parts, ...sections);
  }

  start() {
    droppable(this.element, (files) => this.#upload(files));
    document.addEventListener("paste", (event) => {
      const files = pasted(event);
      if (!files.length || whichTab() !== "compare") return;
      event.preventDefault();
      this.#upload(files);
    });
    onAddress((tab) => tab === "compare" && this.#addressChanged());
    let first = true;
    onState(() => {
      if (first || whichTab() === "compare") this.#load();
      first = false;
    });
    this.runs.start();
  }

  // Changes the request, writes it into the address and sends it.
  #ask(change) {
    Object.assign(this.settings, change);
    const params = new URLSearchParams(location.search);
    params.set("tab", "compare");
    for (const part of PARTS) {
      if (this.settings[part]) params.set(part, this.settings[part]);
      else params.delete(part);
    }
    history.pushState(history.state, "", `${location.pathname}?${params}`);
    this.#run();
  }

  #addressChanged() {
    const written = () => JSON.stringify(PARTS.map((part) => this.settings[part]));
    const before = written();
    Object.assign(this.settings, parseAddress(location.search));
    if (!this.#sides.every(Boolean)) this.#load();
    else if (before !== written()) this.#run();
  }

  async #upload(files) {
    const { form } = this.query;
    form.classList.add("g-sending");
    const answers = await Promise.all(files.map(upload));
    form.classList.remove("g-sending");
    const failed = answers.find(({ error }) => error);
    if (failed) return this.#notice(failed.error);
    const images = answers.map(({ image: token }, i) => ({ token, name: files[i].name || _("your image") }));
    if (this.#collections.length > 1) this.#ask({ q: "", like: "", images });
    else this.neighbours.show(images[0], this.#collections[0].key);
  }

  // Learns which collections and encoders are open; draws anew where that has changed.
  async #load() {
    if (this.#shown) this.#showChoices(); // suggestions come once the encoder is loaded
    const answer = await request(this.server.collections, {});
    if (answer.error) return this.#notice(answer.error);
    const before = JSON.stringify(this.#collections);
    this.#collections = answer.collections;
    if (JSON.stringify(this.#collections) === before) return;
    const { a, b } = parseAddress(location.search);
    Object.assign(this.settings, chooseSides(this.#collections, this.settings, collection()));
    showSides(this.query, this.#collections, this.settings);
    const alone = this.#collections.length < 2;
    const related = !alone && shareImages(...this.#sides);
    for (const part of [this.query.element, this.columns, this.head]) part.hidden = alone;
    this.help.replaceChildren(...(related ? [] : [howToCompare()]));
    this.encoders.show(this.#collections);
    if (!alone) this.labelled.show(this.settings.a);
    const [{ samples, key }] = this.#collections;
    const known = this.#shown && this.#asked === this.#askedOf();
    if (!alone && !known && (related || (a && b))) this.#run();
    else if (this.neighbours.empty && samples.length) this.neighbours.show(samples[0], key);
  }

  // What a comparison depends on beside its query: the two sides, and whether they read text, known once they are loaded.
  #askedOf() {
    return JSON.stringify(this.#sides.map((one) => [one?.key, one?.readsText]));
  }

  get #sides() {
    return ["a", "b"].map((side) => this.#collections.find(({ key }) => key === this.settings[side]));
  }

  async #run() {
    const turn = ++this.#turn;
    this.#asked = this.#askedOf();
    const { settings, query } = this;
    const sides = this.#sides;
    const readsText = sides.every((one) => one?.readsText);
    if (this.#collections.length < 2) return showField(query, readsText, settings.q);
    this.#fillQuery(sides[0], readsText);
    for (const side of ["a", "b"]) query.sides[side].value = settings[side];
    showField(query, readsText, settings.q);
    this.#showChoices();
    this.columns.setAttribute("aria-busy", "true");
    const loading = sides.find((one) => one.state === "loading");
    if (loading)
      this.status.textContent = _("{encoder} is being loaded; the answer follows.", { encoder: loading.encoder });
    const { a, b, q, like, images } = settings;
    const body = { a, b, q, like: like ? [like] : [], images: images.map(({ token }) => token) };
    const answer = await request(this.server.rankings, body);
    if (turn !== this.#turn) return;
    this.columns.removeAttribute("aria-busy");
    this.notice.replaceChildren();
    if (answer.error) this.#fail(answer);
    else this.#show(answer, sides[0]);
  }

  #showChoices() {
    showChoices(this.query, this.#sides[0], this.settings, {
      text: (q) => this.#ask({ q, like: "", images: [] }),
      like: (id) => this.#ask({ q: "", like: id, images: [] }),
    });
  }

  // Something to ask with where nothing was given: a suggested text, or an image.
  #fillQuery(left, readsText) {
    const { settings } = this;
    if (!readsText) settings.q = "";
    if (settings.q || settings.like || settings.images.length) return;
    const suggestion = readsText && session.state?.chips?.[0];
    if (suggestion) settings.q = suggestion;
    else settings.like = left.samples[0]?.id || "";
  }

  #show(answer, left) {
    this.#shown = answer;
    showAgreement(this.status, answer);
    showRankings(this.columns, answer, (hit, key) => this.neighbours.show(hit, key, true));
    const { a, like, images } = this.settings;
    const query =
      images[0] ?? (like && (left.samples.find(({ id }) => id === like) || { id: like, name: _("this image") }));
    const hit = query || answer.a.hits[0];
    if (hit) this.neighbours.show(hit, a);
  }

  #fail({ error, lost }) {
    if (!lost || !this.#shown) this.#notice(error);
    if (lost) return;
    this.#shown = null;
    this.columns.replaceChildren();
    this.status.textContent = "";
  }

  #notice(text) {
    this.notice.replaceChildren(notice(text));
  }
}
