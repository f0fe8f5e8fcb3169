// What is known about one image: facts, tags, what each word adds, and a heat map of where it matches.
import { button, copy, node, notice } from "../elements/elements.js";
import { decimal, fileSize, score } from "../format/format.js";
import { drawHeatMap } from "../heat_map/heat_map.js";
import { helpSign } from "../help/figures.js";
import { _ } from "../language/language.js";
import { media } from "../session/session.js";
import { tagList } from "./tags.js";
import { wordBars } from "./words.js";

// A column's name as a title.
const titled = (column) => column[0].toUpperCase() + column.slice(1).replaceAll("_", " ");

const FOUND_BY = { text: _("its name, caption or tags"), both: _("the image, and its name, caption or tags") };

// The rows of the table of facts, [name, text] each; a third value names the figure that the row explains.
const factRows = (hit, facts, columns) => {
  const normalised =
    typeof hit.normalised_score === "number"
      ? _(", normalised {score}", { score: decimal(hit.normalised_score, 2) })
      : "";
  const scored = hit.score !== null && hit.score !== undefined;
  return [
    scored && [
      _("Score"),
      _("{score}{normalised}, rank {rank}", { score: score(hit.score), normalised, rank: hit.rank }),
      "score",
    ],
    FOUND_BY[hit.matched] && [_("Found by"), FOUND_BY[hit.matched]],
    [_("File"), facts.path],
    facts.date && [titled(facts.date_of), facts.date],
    [_("Size"), `${facts.width} × ${facts.height}, ${fileSize(facts.bytes)}`],
    ...Object.entries(columns).map(([name, value]) => [titled(name), value]),
  ].filter(Boolean);
};

const factNodes = ([name, value, figure]) => [
  node("dt", { text: name }),
  node("dd", {}, String(value), figure && helpSign(figure)),
];

// What tells one copy from another. at: its place among the copies, 0 for the best.
const copyFacts = (one, at) =>
  [`${one.width} × ${one.height}`, fileSize(one.bytes), at === 0 && _("best copy"), one.offline && _("offline")]
    .filter(Boolean)
    .join(", ");

class Inspector {
  // actions: { like(id, sign), classify(hit, facts), tag(ids, name, on), explain(request), inspect(request),
  // similar(id), copies(hit), open(hit) }. canvas: over the image, for the heat map.
  constructor(actions, canvas) {
    this.actions = actions;
    this.canvas = canvas;
    this.id = null; // of the image that is shown
    this.root = node("aside", { class: "g-inspector", id: "inspector", "aria-label": _("About this image") });
  }

  // Presses the button of the heat map.
  explain() {
    this.root.querySelector("#inspect-heat")?.click();
  }

  // hit: as it is on the page. request: the search that found it, null where nothing was searched for. The facts of the
  // image, or { error }.
  async show(hit, collection, request) {
    this.id = hit.id;
    this.canvas.hidden = true;
    this.rest = null; // what is asked for only once the panel is open
    const answer = await this.actions.inspect({ collection, id: hit.id });
    if (this.id !== hit.id) return answer;
    this.root.scrollTop = 0;
    if (answer.error) this.root.replaceChildren(notice(answer.error));
    else {
      this.root.replaceChildren(...this.body(hit, request, answer));
      this.rest = async () => {
        await this.showCopies(hit, collection);
        await this.showWords(hit, request);
        await this.showSimilar(hit, collection);
      };
      if (!this.root.hidden) this.showRest();
    }
    return answer;
  }

  showRest() {
    this.rest?.();
    this.rest = null;
  }

  body(hit, request, { facts, columns, tags }) {
    const rows = factRows(hit, facts, columns);
    return [
      node("h2", { text: facts.caption || facts.file }),
      tagList(tags, (name, on) => this.tag(hit, name, on)),
      node("dl", {}, ...rows.flatMap(factNodes)),
      node("div", { class: "g-inspector-copies", id: "copies" }),
      node("div", { id: "inspect-words" }),
      this.buttons(hit, facts, request && this.heatButton(hit, request, this.canvas)),
      node("div", { class: "g-inspector-similar", id: "similar" }),
    ];
  }

  buttons(hit, facts, heat) {
    const path = `${facts.source}/${facts.path}`; // only this computer has a use for it
    const copyPath = facts.source && button("copy", _("Copy path"), () => copy(path, copyPath), { id: "inspect-copy" });
    return node(
      "div",
      { class: "g-actions" },
      heat,
      button("like", _("More like this"), () => this.actions.like(hit.id, 1), { id: "inspect-like" }),
      button("unlike", _("Less like this"), () => this.actions.like(hit.id, -1), { id: "inspect-unlike" }),
      button("tag", _("Classify this"), () => this.actions.classify(hit, facts), { id: "inspect-classify" }),
      copyPath,
    );
  }

  // The button that shows and hides the heat map of where the image matches the query.
  heatButton(hit, request, canvas) {
    const toggle = (on) => {
      canvas.hidden = !on;
      heat.setAttribute("aria-pressed", on);
    };
    const show = async () => {
      heat.disabled = true;
      const explained = await this.actions.explain({ ...request, id: hit.id, heat: true });
      heat.disabled = false;
      if (this.id !== hit.id) return;
      if (explained.error) {
        heat.after(notice(explained.error));
        return;
      }
      drawHeatMap(canvas, explained.heat);
      toggle(true);
    };
    const onclick = () => (canvas.hidden ? show() : toggle(false));
    const heat = button("heat", _("Heat map"), onclick, { id: "inspect-heat", "aria-pressed": "false" });
    return heat;
  }

  // Gives a tag, or takes it away; the image's tags afterwards, or { error }.
  async tag(hit, name, on) {
    const answer = await this.actions.tag([hit.id], name, on);
    return answer.error ? answer : answer.tags[hit.id] || [];
  }

  async showWords(hit, request) {
    if (!request?.q) return;
    const explained = await this.actions.explain({ ...request, id: hit.id });
    if (this.id !== hit.id || !(explained.words?.length > 1)) return;
    this.root.querySelector("#inspect-words").replaceChildren(wordBars(explained.words));
  }

  // The files that the image stands for, the best first.
  async showCopies(hit, collection) {
    const { copies = [], count = 0 } = await this.actions.copies(hit);
    if (this.id !== hit.id || copies.length < 2) return;
    const line = (one, at) =>
      node(
        "li",
        {},
        node("img", { src: media(collection, one.id), alt: "", loading: "lazy" }),
        node(
          "div",
          {},
          node("span", { class: "g-inspector-copy-path", text: one.path, title: one.path }),
          node("span", { class: "g-inspector-copy-facts", text: copyFacts(one, at) }),
        ),
      );
    const more = count > copies.length && node("p", { text: _("and {more} more", { more: count - copies.length }) });
    const heading = node("h3", { text: _("{count} copies", { count }) });
    this.root.querySelector("#copies").replaceChildren(heading, node("ul", {}, ...copies.map(line)), more || "");
  }

  async showSimilar(hit, collection) {
    const similar = await this.actions.similar(hit.id);
    if (this.id !== hit.id || !similar.hits?.length) return;
    const image = (other) =>
      node(
        "button",
        { type: "button", title: other.name, "aria-label": other.name, onclick: () => this.actions.open(other) },
        node("img", { src: media(collection, other.id), alt: "", loading: "lazy" }),
      );
    const heading = node("h3", { text: _("Similar images") });
    this.root.querySelector("#similar").replaceChildren(heading, node("div", {}, ...similar.hits.map(image)));
  }
}

export const inspector = (actions, canvas) => new Inspector(actions, canvas);
