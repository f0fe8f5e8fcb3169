// What stands under the results: which encoder this is, and whose images these are.
import { button, copy, node } from "../elements/elements.js";
import { images } from "../format/format.js";
import { _, plural, textNodes } from "../language/language.js";
import { request } from "../session/session.js";

const STARTERS = ["starter", "starter-1"];
const COMMAND = "python app.py --encoder ViT-B-32/laion2b_s34b_b79k";

const starterNote = () => {
  const settings = { class: "g-button g-small", "aria-label": _("Copy the command") };
  const copyCommand = button("copy", _("Copy"), () => copy(COMMAND, copyCommand), settings);
  return node(
    "p",
    { id: "starter-note" },
    ...textNodes(
      "{starter} is a small encoder in the spirit of DeViSE; it is not CLIP, and will often be wrong. For a CLIP encoder run {command}",
      { starter: node("b", { text: "starter" }), command: node("code", { text: COMMAND }) },
    ),
    " ",
    copyCommand,
  );
};

const creditList = (credits) => {
  const { by } = credits[0];
  const more = credits.length - 1;
  const title = more
    ? plural("Images by {by} and {n} other", "Images by {by} and {n} others", more, { by })
    : _("Images by {by}", { by });
  const items = credits.map((one) => node("li", { text: `${one.by}: ${images(one.images)}` }));
  return node("details", { id: "credits" }, node("summary", { text: title }), node("ul", {}, ...items));
};

class Footer {
  constructor(server) {
    this.server = server;
    this.root = node("div", { class: "g-footer", id: "foot" });
    this.drawn = ""; // what the last drawing depended on
  }

  async show(state) {
    const now = `${state.collection} ${state.encoder?.name} ${state.job?.state} ${state.searchable > 0}`;
    if (this.drawn === now) return;
    this.drawn = now;
    const parts = STARTERS.includes(state.encoder?.name) ? [starterNote()] : [];
    if (state.columns?.includes("attribution")) {
      const { credits = [] } = await request(this.server.credits, { collection: state.collection });
      if (credits.length) parts.push(creditList(credits));
    }
    this.root.replaceChildren(...parts);
  }
}

export const footer = (server) => new Footer(server);
