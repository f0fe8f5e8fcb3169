// Encoders by the labels or captions of images: figures with intervals, differences from the first encoder, and those by class.
import { commandButton } from "../../ui/command/command.js";
import { button, copy, node, notice } from "../../ui/elements/elements.js";
import { count, decimal, images as imageCount } from "../../ui/format/format.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { refreshState, request } from "../../ui/session/session.js";
import { asCsv, asLatex, asMarkdown } from "./formats.js";

const PAGE = 20; // classes
const LOOK = 400; // milliseconds between looks at an evaluation that runs
const SOURCES = { corrections: _("your corrections"), folder: _("folder"), caption: _("caption") };
const KINDS = { labels: _("Labels"), captions: _("Captions: text to image") };
const METRICS = { accuracy: _("k-NN accuracy") };

const share = (value) => decimal(100 * value, 1).replace("-", "−");
const bounds = ({ low, high }) => `${share(low)} – ${share(high)}`;
const withBounds = (figure) => `${share(figure.value)} (${bounds(figure)})`;
// Whether the interval of a difference leaves out 0: 1 or -1, else 0.
export const direction = ({ low, high }) => (low > 0 ? 1 : high < 0 ? -1 : 0);

// The table as texts: an encoder a row, then the differences of the others from the first.
export const rowsOf = ({ encoders, metrics, figures, differences }) => [
  [_("Encoder"), ...metrics.map((name) => METRICS[name] ?? name)],
  ...encoders.map((encoder, i) => [encoder, ...metrics.map((name) => withBounds(figures[i][name]))]),
  ...encoders
    .slice(1)
    .map((encoder, i) => [
      `${encoder} − ${encoders[0]}`,
      ...metrics.map((name) => withBounds(differences[i + 1][name])),
    ]),
];

const cell = (figure, difference = false) => {
  const sign = difference ? ["g-compare-worse", "", "g-compare-better"][direction(figure) + 1] : "";
  return node(
    "td",
    { class: `g-compare-number ${sign}` },
    node("span", { text: share(figure.value) }),
    node("small", { text: bounds(figure) }),
  );
};

const table = (label, heads, rows) =>
  node(
    "div",
    { class: "g-compare-scroll", tabindex: "0", role: "region", "aria-label": label },
    node(
      "table",
      { class: "g-compare-table" },
      node("thead", {}, node("tr", {}, ...heads.map((text) => node("th", { scope: "col", text })))),
      node("tbody", {}, ...rows),
    ),
  );

const row = (name, cells) => node("tr", {}, node("th", { scope: "row", text: name }), ...cells);

function figureTable({ encoders, metrics, figures, differences }) {
  const rows = encoders.map((encoder, i) =>
    row(
      encoder,
      metrics.map((name) => cell(figures[i][name])),
    ),
  );
  const others = encoders.slice(1).map((encoder, i) =>
    row(
      `${encoder} − ${encoders[0]}`,
      metrics.map((name) => cell(differences[i + 1][name], true)),
    ),
  );
  return table(
    _("Figures of the encoders"),
    [_("Encoder"), ...metrics.map((name) => METRICS[name] ?? name)],
    [...rows, ...others],
  );
}

const copies = (answer) => {
  const kinds = { Markdown: asMarkdown, CSV: asCsv, LaTeX: asLatex };
  const copyButton = (label, text) => {
    const made = button("copy", label, () => copy(text(), made));
    return made;
  };
  return node(
    "div",
    { class: "g-compare-copies g-flush", role: "group", "aria-label": _("Copy the table") },
    ...Object.entries(kinds).map(([name, write]) => copyButton(name, () => write(rowsOf(answer)))),
    answer.command && commandButton("copy-compare-command", () => answer.command),
  );
};

const sourceValue = (by, source) => JSON.stringify([by, source]);

// The columns of one kind, to choose from.
const sourceGroup = (by, label, sources) => {
  const option = (name) =>
    node("option", { value: sourceValue(by, name), text: SOURCES[name] ?? name.replaceAll("_", " ") });
  return node("optgroup", { label }, ...sources.map(option));
};

export class Labelled {
  element = node("section", { class: "g-compare-part", id: "compare-labelled", hidden: true });
  #key = ""; // the first collection
  #timer = 0; // of the next look at an evaluation

  constructor(server) {
    this.server = server;
    this.body = node("div", { id: "compare-by-labels" });
    this.source = node("select", { id: "compare-source", "aria-label": _("Compare by") });
    const measure = button(null, _("Measure"), () => this.#measure(measure), { id: "compare-measure" });
    const label = node("label", {}, node("span", { text: _("Compare by") }), " ", this.source);
    const heading = node("h2", { text: _("Encoders by labels or captions") });
    const by = node("div", { class: "g-compare-by" }, label, measure, helpSign("labelled"));
    this.element.append(heading, by, this.body);
  }

  // key: the collection whose images and labels are taken.
  async show(key) {
    if (key === this.#key) return;
    this.#key = key;
    this.body.replaceChildren();
    const sources = await request(this.server.sources, { a: key });
    if (key !== this.#key) return;
    const groups = Object.entries(KINDS).filter(([by]) => sources[by]?.length);
    this.element.hidden = !groups.length;
    this.source.replaceChildren(...groups.map(([by, label]) => sourceGroup(by, label, sources[by])));
    const last = await request(this.server.evaluated, { a: key });
    if (key === this.#key && !last.error) this.#take(last);
  }

  async #measure(measure) {
    measure.disabled = true;
    const [by, source] = JSON.parse(this.source.value);
    const answer = await request(this.server.evaluate, { a: this.#key, by, source });
    measure.disabled = false;
    refreshState(); // the bar of jobs shows how far it is
    this.#take(answer);
  }

  // Waits for the evaluation that runs, also for one that was started before the page was loaded.
  #take(answer) {
    clearTimeout(this.#timer);
    if (answer.error) return this.body.replaceChildren(notice(answer.error));
    if (answer.source) this.source.value = sourceValue(answer.by, answer.source);
    if (answer.state === "running") {
      this.body.replaceChildren(node("p", { class: "g-aside", text: _("The encoders are being evaluated.") }));
      const key = this.#key;
      this.#timer = setTimeout(async () => {
        const next = await request(this.server.evaluated, { a: key });
        if (key === this.#key) this.#take(next);
      }, LOOK);
    } else if (answer.state) this.#draw(answer);
  }

  #draw(answer) {
    const measured = { images: imageCount(answer.images), captions: count(answer.captions) };
    const note =
      answer.by === "labels"
        ? _("{images} with a label; differences are of the same images, with 95 % intervals.", measured)
        : _(
            "{captions} captions search among {images}; differences are of the same images, with 95 % intervals.",
            measured,
          );
    const without = answer.without?.length
      ? _("Left out, without a text encoder: {encoders}.", { encoders: answer.without.join(", ") })
      : "";
    this.body.replaceChildren(
      figureTable(answer),
      node("p", { class: "g-aside", text: `${note} ${without}` }),
      copies(answer),
      ...(answer.by_class ? this.#classes(answer) : []),
    );
  }

  // mAP by class, the largest change first: found by name, a page at a time.
  #classes({ encoders, by_class: classes }) {
    let shown = PAGE;
    const list = node("div");
    const search = node("input", {
      class: "g-input",
      type: "search",
      placeholder: _("find a class"),
      "aria-label": _("Find a class"),
      oninput: () => draw(PAGE),
    });
    const others = encoders.slice(1);
    const heads = [_("Class"), _("Images"), ...encoders, ...others.map((name) => `${name} − ${encoders[0]}`)];
    const line = (one) =>
      row(one.name, [
        node("td", { class: "g-compare-number", text: count(one.images) }),
        ...one.figures.map((figure) => cell(figure)),
        ...one.differences.slice(1).map((figure) => cell(figure, true)),
      ]);
    const draw = (amount) => {
      shown = amount;
      const wanted = search.value.trim().toLowerCase();
      const found = classes.filter(({ name }) => name.toLowerCase().includes(wanted));
      const more = button(null, _("Show {n} more", { n: Math.min(PAGE, found.length - shown) }), () =>
        draw(shown + PAGE),
      );
      more.hidden = found.length <= shown;
      list.replaceChildren(table(_("mAP by class"), heads, found.slice(0, shown).map(line)), more);
    };
    draw(PAGE);
    return [node("h3", { text: _("mAP by class") }), classes.length > PAGE && search, list].filter(Boolean);
  }
}
