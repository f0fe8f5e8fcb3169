// The probe tab: five questions about what an encoder can and cannot see, each with images that a person can change.
import { apiCommand, commandButton } from "../../ui/command/command.js";
import { choiceGroup } from "../../ui/elements/choices.js";
import { node, notice } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { onAddress, readdress, whichTab } from "../../ui/navigation/navigation.js";
import { collection, onState, request, session } from "../../ui/session/session.js";
import { droppable, pasted, upload } from "../../ui/upload/upload.js";
import { addressParts, parseAddress } from "./address.js";
import { colour } from "./colour.js";
import { order } from "./order.js";
import { pairs } from "./pairs.js";
import { templates } from "./templates.js";
import { typographic } from "./typographic.js";

// A probe has a name (in the address), a label, a lead (its idea), controls(tab) -> nodes,
// request(tab) -> [server function, body] or null where something is missing, draw(tab, answer) -> nodes, and
// call(tab) -> [path below api/v1, body] of the same answer.
const PROBES = [pairs, order, colour, typographic, templates];
const DEFAULTS = {
  probe: "pairs",
  pair: "colour swap", // kind of the generated pair
  i: 0, // number of the generated pair or scene
  own: false, // whether the pair is a person's own
  ownImages: [null, null],
  ownCaptions: ["", ""],
  image: null, // { id, name } of the collection or { token, name } of an upload
  caption: "",
  paint: "text", // how the objects of the colour probe are shown
  object: "",
  word: "",
  labels: "",
};

// Entry point of the tab.
export const probe = (element, server) => new ProbeTab(element, server).start();

class ProbeTab {
  facts = null; // what there is to probe with: collection, encoder, samples, kinds
  #turn = 0; // of requests, so that only the latest is shown
  #seen = ""; // the collection that was loaded last

  constructor(element, server) {
    this.element = element;
    this.server = server;
    this.settings = { ...DEFAULTS, ...parseAddress(location.search) };
    this.choices = node("div", { class: "g-probe-tabs" });
    this.lead = node("p", { class: "g-probe-lead", id: "probe-lead" });
    this.controls = node("div", { class: "g-probe-controls", id: "probe-controls" });
    this.notice = node("div", { id: "probe-notice" });
    this.result = node("div", { class: "g-probe-result", id: "probe-result", "aria-live": "polite" });
    const parts = [this.choices, this.lead, this.controls, this.notice, this.result];
    element.querySelector(".g-probe").append(...parts);
  }

  start() {
    droppable(this.element, (files) => this.#take(files));
    document.addEventListener("paste", (event) => {
      const files = pasted(event);
      if (!files.length || whichTab() !== "probe") return;
      event.preventDefault();
      this.#take(files);
    });
    onAddress((tab) => {
      if (tab !== "probe") return;
      Object.assign(this.settings, parseAddress(location.search));
      if (this.facts?.collection === collection()) this.#show();
      else this.#load();
    });
    this.#show();
    onState((state) => {
      if (state.collection === this.#seen || (this.#seen && whichTab() !== "probe")) return;
      this.#seen = state.collection;
      this.#load();
    });
  }

  // Images that were dropped or pasted: one for a probe of one image, two for a pair of a person's own.
  async #take(files) {
    if (this.settings.probe !== "pairs") {
      await this.upload(files[0]);
      return;
    }
    const empty = this.settings.ownImages.findIndex((image) => !image);
    const first = files.length > 1 || empty < 0 ? 0 : empty;
    this.set({ own: true });
    const place = (k) => (image) => this.set({ ownImages: this.settings.ownImages.with(first + k, image) });
    await Promise.all(files.slice(0, 2).map((file, k) => this.upload(file, place(k))));
  }

  // The open probe.
  get current() {
    return PROBES.find(({ name }) => name === this.settings.probe);
  }

  // Changes settings and draws the controls and the result anew.
  set(change) {
    Object.assign(this.settings, change);
    this.#show();
  }

  // Changes settings and only asks anew, so that the field that was typed in keeps the focus.
  run(change = {}) {
    Object.assign(this.settings, change);
    this.#request();
  }

  fieldValue(id) {
    return this.controls.querySelector(`#${id}`)?.value.trim() || "";
  }

  // The image as a part of a call of the API.
  imageCall() {
    const { image } = this.settings;
    return image?.token ? { image: image.token } : image ? { id: image.id } : {};
  }

  // The image as a part of a request.
  imageRequest() {
    const { image } = this.settings;
    return image ? { image: { id: image.id, token: image.token } } : {};
  }

  // What an image chooser does with an image; choose(image) instead of making it the image of the probe.
  chooserActions(choose = (image) => this.#choose(image)) {
    return { choose, upload: (file) => this.upload(file, choose) };
  }

  async upload(file, choose = (image) => this.#choose(image)) {
    const answer = await upload(file);
    if (answer.error) this.notice.replaceChildren(notice(answer.error));
    else choose({ token: answer.image, name: file.name || _("your image") });
  }

  #choose(image) {
    const { name } = this.current;
    const change = { image };
    if (name === "colour") change.paint = "own";
    if (name === "typographic" || name === "templates") change.labels = ""; // they belonged to the image before
    this.set(change);
  }

  async #load() {
    const facts = await request(this.server.describe, { collection: collection() });
    if (facts.error) return this.notice.replaceChildren(notice(facts.error));
    const other = this.facts && this.facts.collection !== facts.collection;
    this.facts = facts;
    if (other || !this.settings.image) this.settings.image = facts.samples[0] || null;
    this.#show();
  }

  #show() {
    const open = (name) => {
      this.result.replaceChildren();
      this.set({ probe: name, labels: "" });
    };
    const choices = PROBES.map(({ name, label }) => [name, label, { id: `probe-${name}` }]);
    this.choices.replaceChildren(choiceGroup(_("Probes"), choices, this.settings.probe, open));
    this.lead.textContent = this.current.lead;
    if (!this.facts) return;
    this.controls.replaceChildren(...this.current.controls(this));
    this.#request();
  }

  async #request() {
    const turn = ++this.#turn;
    const current = this.current;
    const wanted = current.request(this);
    if (!wanted) {
      this.notice.replaceChildren();
      this.result.removeAttribute("aria-busy");
      return this.result.replaceChildren(...(current.incomplete?.(this) ?? []));
    }
    this.result.setAttribute("aria-busy", "true");
    if (session.state?.encoder?.state === "loading")
      this.#notice(_("The encoder is being loaded; the answer follows."));
    const [serverFunction, body] = wanted;
    const answer = await request(serverFunction, { collection: collection(), ...body });
    if (turn !== this.#turn) return;
    this.result.removeAttribute("aria-busy");
    this.notice.replaceChildren();
    if (answer.error) {
      if (!answer.lost) this.result.replaceChildren();
      return this.#notice(answer.error);
    }
    readdress("probe", addressParts(this.settings));
    this.#draw(current, answer);
  }

  #draw(current, answer) {
    const [path, body] = current.call(this);
    const call = { collection: this.facts.collection, ...body };
    const command = commandButton("copy-probe-command", () => apiCommand(path, call));
    this.result.replaceChildren(
      ...current.draw(this, answer),
      node("p", { class: "g-flush g-probe-command" }, command),
    );
  }

  #notice(text) {
    this.notice.replaceChildren(notice(text));
  }
}
