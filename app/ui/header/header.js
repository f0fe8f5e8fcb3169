// The header: name, collection, encoder, state. It asks for the state again and again and tells the rest of the page.
import { icon, node } from "../elements/elements.js";
import { showKeys } from "../help/keys.js";
import { language, _ } from "../language/language.js";
import { languageMenu } from "../language/language_menu.js";
import { goTo, onCollection } from "../navigation/navigation.js";
import { onRefresh, setState } from "../session/session.js";
import { EncoderMenu } from "./encoder_menu.js";
import { Offer } from "./offer.js";
import { progress, stateText, stateTitle } from "./state_text.js";

const BUSY = 700; // milliseconds until the next request
const CALM = 5000;
const LOST = 2000;
const THEME = "gelato-theme";

const iconButton = (name, id, label, onclick) =>
  node(
    "button",
    { type: "button", class: "g-icon-button", id, title: label, "aria-label": label, onclick },
    icon(name),
  );

const toggleTheme = () => localStorage.setItem(THEME, document.body.classList.toggle("dark") ? "dark" : "light");

const restoreTheme = () => {
  const chosen = localStorage.getItem(THEME);
  const inAddress = new URLSearchParams(location.search).has("__theme");
  if (chosen && !inAddress) document.body.classList.toggle("dark", chosen === "dark");
};

class Header {
  constructor(element, props, server) {
    this.props = props;
    this.server = server;
    this.timer = 0;
    this.known = ""; // the collection of the last state
    this.collections = node("span", { class: "g-header-pill", id: "collection-pill" });
    this.encoder = new EncoderMenu(
      server,
      () => this.known,
      () => this.look(),
    );
    this.offer = new Offer();
    this.state = node(
      "button",
      { type: "button", class: "g-header-pill g-header-state", id: "state-pill", onclick: () => goTo("collections") },
      node("i"),
      node("span", { role: "status", text: _("opening") }),
    );
    this.banner = node("div", { class: "g-banner", id: "banner", role: "alert", hidden: true });
    element.querySelector(".g-header").append(this.top(), this.banner, this.offer.element);
    restoreTheme();
    this.wanted = new URLSearchParams(location.search).get("collection") || "";
    if (this.wanted) props.value = { collection: this.wanted, language }; // before anyone asks about the first collection
    onCollection((key) => key !== this.wanted && this.choose(key));
    onRefresh(() => this.look());
    this.look();
  }

  top() {
    return node(
      "div",
      { class: "g-header-top" },
      node("h1", { text: "Gelato" }),
      node("div", { class: "g-header-pills" }, this.collections, this.encoder.element, this.state),
      iconButton("book", "follow-lecture", _("Follow the lecture"), () => goTo("learn")),
      iconButton("help", "show-keys", _("Keys (?)"), showKeys),
      languageMenu(),
      iconButton("moon", "theme", _("Light or dark"), toggleTheme),
    );
  }

  choose(key) {
    this.wanted = key;
    this.props.value = { collection: key, language };
    this.look();
  }

  async look() {
    clearTimeout(this.timer);
    let wait = LOST;
    try {
      const state = await this.server.state({ collection: this.wanted });
      const changed = Boolean(state.collection) && state.collection !== this.known;
      if (changed) {
        this.known = state.collection;
        this.props.value = { collection: this.known, language };
      }
      this.show(state);
      setState(state, changed);
      const busy =
        state.jobs?.some((job) => job.state === "running") ||
        state.encoder?.state === "loading" ||
        state.chips === null;
      wait = busy ? BUSY : CALM;
    } catch {
      this.setPill("bad", _("not connected"));
      this.setBanner(_("Connection lost. Trying again; what is on the page stays."));
    }
    this.timer = setTimeout(() => this.look(), wait);
  }

  show(state) {
    this.showCollections(state);
    if (state.encoder) this.encoder.show(state.encoder);
    this.offer.show(state.offer);
    const { kind, text: label } = stateText(state);
    this.setPill(kind, label);
    this.state.style.setProperty("--done", `${progress(state)}%`);
    this.state.title = stateTitle(state);
    this.setBanner(state.error);
  }

  showCollections({ collections = [], collection, name }) {
    if (collections.length < 2) {
      this.collections.textContent = name || _("no collection");
      return;
    }
    const onchange = (event) => this.choose(event.target.value);
    const select =
      this.collections.querySelector("select") ||
      node("select", { "aria-label": _("Collection"), id: "collection", onchange });
    if (select.childElementCount !== collections.length) {
      const option = (one) => node("option", { value: one.key, text: one.name, selected: one.key === collection });
      select.replaceChildren(...collections.map(option));
    }
    if (document.activeElement !== select) select.value = collection || this.wanted || select.value;
    if (!select.isConnected) this.collections.replaceChildren(select);
  }

  setPill(kind, label) {
    this.state.className = `g-header-pill g-header-state g-header-${kind}`;
    this.state.lastChild.textContent = label;
  }

  setBanner(message) {
    this.banner.hidden = !message;
    this.banner.textContent = message || "";
  }
}

export const header = (element, props, server) => new Header(element, props, server);
