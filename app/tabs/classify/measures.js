// How good the labels are: the confusion matrix, each class, reliability, and what each phrasing does.
import * as g from "../../ui/ui.js";
import * as labelsModule from "./labels.js";
import * as classifyModule from "./classify.js";

const table = (settings, columns, rows) =>
  g.node(
    "table",
    settings,
    g.node("thead", {}, g.node("tr", {}, ...columns.map((text) => g.node("th", { scope: "col", text })))),
    g.node("tbody", {}, ...rows),
  );

// True classes by row, each row's shares as shades; a cell opens its images.
const matrix = (heard, open) => {
  const names = heard.names;
  const given = names.map((_, k) => heard.matrix.some((row) => row[k]));
  const used = names.map((_, k) => k).filter((k) => given[k] || heard.matrix[k].some(Boolean));
  const head = g.node(
    "tr",
    {},
    g.node("th", { class: "g-corner", text: "true ↓ labelled →" }),
    ...used.map((k) => g.node("th", { scope: "col", title: names[k] }, g.node("span", { text: names[k] }))),
  );
  const rows = used.map((t) => {
    const total = heard.matrix[t].reduce((a, b) => a + b, 0);
    return g.node(
      "tr",
      {},
      g.node("th", { scope: "row", text: names[t], title: `${names[t]}: ${g.images(total)}` }),
      ...used.map((k) => {
        const n = heard.matrix[t][k];
        const share = total ? n / total : 0;
        if (!n) return g.node("td", { class: "g-none" });
        return g.node(
          "td",
          {},
          g.node("button", {
            type: "button",
            class: `g-cell ${t === k ? "g-hit" : ""}`,
            "data-cell": `${t}-${k}`,
            style: { "--share": share },
            text: g.count(n),
            title: `${g.percent(share)} of ${names[t]} labelled ${names[k]}`,
            "aria-label": `${names[t]} labelled ${names[k]}: ${g.images(n)}, ${g.percent(share)} of ${names[t]}`,
            onclick: (event) => open(t, k, event.currentTarget),
          }),
        );
      }),
    );
  });
  return g.node(
    "div",
    { class: "g-wide", tabindex: "0", role: "region", "aria-label": "Confusion matrix" },
    g.node("table", { class: "g-matrix", id: "matrix" }, g.node("thead", {}, head), g.node("tbody", {}, ...rows)),
  );
};

// A share with its interval, drawn from zero to one.
const whisker = (figure) =>
  figure
    ? g.node(
        "td",
        { class: "g-figure", title: `${g.interval(figure)}, n = ${figure.n}` },
        g.node(
          "span",
          { class: "g-whisker", "aria-hidden": "true" },
          g.node("i", {
            style: {
              left: `${100 * figure.low}%`,
              right: `${100 - 100 * figure.high}%`,
            },
          }),
          g.node("b", {
            style: {
              left: `${100 * figure.value}%`,
            },
          }),
        ),
        g.node("span", { text: g.percent(figure.value) }),
        g.node("small", {
          text: `${Math.round(100 * figure.low)}–${Math.round(100 * figure.high)}`,
        }),
      )
    : g.node("td", { text: "–" });

const classes = (heard) =>
  table(
    { class: "g-measured", id: "by-class" },
    ["class", "precision", "recall", "images"],
    heard.byClass
      .map((of, k) => [of, heard.names[k]])
      .filter(([of]) => of.precision || of.recall)
      .map(([of, name]) =>
        g.node(
          "tr",
          {},
          g.node("th", { scope: "row", text: name }),
          whisker(of.precision),
          whisker(of.recall),
          g.node("td", { class: "g-n", text: of.recall ? g.count(of.recall.n) : "0" }),
        ),
      ),
  );

const svg = (tag, settings) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(settings).forEach(([name, value]) => node.setAttribute(name, value));
  return node;
};
// Confidence across, accuracy up: on the diagonal, 80 % sure is right four times in five.
const diagram = (found, label) => {
  const image = svg("svg", {
    viewBox: "-14 -4 122 122",
    class: "g-reliability",
    role: "img",
    "aria-label": `${label}: calibration error ${(100 * found.error).toFixed(1)} % over ${found.n} images`,
  });
  const text = (x, y, words, anchor = "middle") => {
    const node = svg("text", { x, y, "text-anchor": anchor });
    node.textContent = words;
    image.append(node);
  };
  image.append(svg("rect", { x: 0, y: 0, width: 100, height: 100, class: "g-plane" }));
  image.append(svg("line", { x1: 0, y1: 100, x2: 100, y2: 0, class: "g-diagonal" }));
  for (const bin of found.bins) {
    const x = 100 * bin.confidence;
    image.append(
      svg("line", {
        x1: x,
        x2: x,
        y1: 100 - 100 * bin.accuracy.low,
        y2: 100 - 100 * bin.accuracy.high,
        class: "g-reach",
      }),
    );
    image.append(
      svg("circle", {
        cx: x,
        cy: 100 - 100 * bin.accuracy.value,
        class: "g-dot",
        r: 1.4 + 3.2 * Math.sqrt(bin.accuracy.n / found.n),
      }),
    );
  }
  text(0, 108, "0");
  text(100, 108, "1");
  text(50, 115, "how sure");
  text(-3, 3, "1", "end");
  text(-3, 101, "0", "end");
  const up = svg("text", { x: -50, y: -7, "text-anchor": "middle", transform: "rotate(-90)" });
  up.textContent = "how often right";
  image.append(up);
  return g.node(
    "figure",
    {},
    g.node(
      "figcaption",
      {},
      g.node("b", { text: label }),
      g.node("span", {
        text: `calibration error ${(100 * found.error).toFixed(1)} %`,
      }),
    ),
    image,
  );
};

const reliability = (heard, answer) => {
  if (!heard.before)
    return g.node("p", {
      class: "g-aside",
      id: "reliability",
      text: `Probabilities are checked once ${heard.least} labels of these classes are known; ${heard.known} are.`,
    });
  const better = heard.after.error < heard.before.error;
  const points = [...heard.before.bins.map((b) => ["before", b]), ...heard.after.bins.map((b) => ["after", b])];
  return g.node(
    "section",
    { id: "reliability" },
    g.node("h3", {
      text: better
        ? "Calibrated, probabilities come closer to how often they are right"
        : "Calibration does not bring probabilities closer to how often they are right",
    }),
    g.node("div", { class: "g-figures" }, diagram(heard.before, "before"), diagram(heard.after, "calibrated")),
    g.node("p", {
      class: "g-aside",
      text: answer.independent
        ? `One curve for all classes, ${g.count(heard.before.n)} answers, each judged by a curve fitted without it.`
        : `Temperature ${answer.sureness.temperature.toFixed(2)} in use. ${g.images(heard.before.n)}, each judged by ` +
          "a temperature fitted without it; dots are larger where more images lie, lines are 95 % intervals.",
    }),
    g.node(
      "details",
      {},
      g.node("summary", { text: "As a table" }),
      table(
        { class: "g-measured" },
        ["", "how sure", "how often right", "n"],
        points.map(([when, b]) =>
          g.node(
            "tr",
            {},
            g.node("th", {
              scope: "row",
              text: when,
            }),
            g.node("td", { text: g.percent(b.confidence) }),
            g.node("td", { text: `${g.percent(b.accuracy.value)} (${g.interval(b.accuracy)})` }),
            g.node("td", { class: "g-n", text: g.count(b.accuracy.n) }),
          ),
        ),
      ),
    ),
  );
};

export const accuracy = async (body, server, answer) => {
  const root = g.node("section", { class: "g-measures", id: "accuracy", "aria-busy": "true" });
  body.replaceChildren(root);
  const heard = await g.request(server.measure, { job: answer.job });
  root.removeAttribute("aria-busy");
  if (heard.error) return root.replaceChildren(g.notice(heard.error));
  if (!heard.known)
    return root.replaceChildren(
      g.node(
        "div",
        { class: "g-empty" },
        g.node("b", {
          text: "Nothing is known to be true of these classes yet",
        }),
        g.node("p", {
          text:
            "Review some images, or use " +
            "class names that a column of the collection or its folders have. Then the labels can be measured here.",
        }),
      ),
    );
  const source = [
    heard.column && `the column “${heard.column}”`,
    heard.corrections && `${g.count(heard.corrections)} of your answers`,
  ]
    .filter(Boolean)
    .join(" and ");
  const others = heard.others
    ? ` ${g.count(heard.others)} more have a label that is none of these classes and are ` + "left out."
    : "";
  const images = labelsModule.labelGrid(server, "cell-grid");
  const found = g.node("div", { class: "g-cell-images", hidden: true });
  const title = g.node("h3", { tabindex: "-1" });
  found.append(title, images.grid, images.more);
  const open = (truth, given, cell) => {
    root.querySelectorAll(".g-cell").forEach((one) => one.setAttribute("aria-pressed", one === cell));
    found.hidden = false;
    title.textContent = `${heard.names[truth]}, labelled ${heard.names[given]}`;
    images.show({ job: answer.job, truth, given });
    found.scrollIntoView({ block: "nearest" });
  };
  const only = !heard.column ? " Answers about the closest calls make labels look worse than they are." : "";
  root.replaceChildren(
    heard.accuracy
      ? g.node("h2", { id: "accuracy-title", text: `${g.percent(heard.accuracy.value)} right` })
      : g.node("h2", { id: "accuracy-title", text: "Each class by itself" }),
    g.node("p", {
      class: "g-verdict",
      text:
        `${heard.accuracy ? `95 % interval ${g.interval(heard.accuracy)}, ` : ""}` +
        `${g.images(heard.known)}, by ${source}.${others}${only}`,
    }),
    g.node(
      "div",
      { class: "g-measure-split" },
      g.node(
        "div",
        { class: "g-main" },
        heard.matrix
          ? matrix(heard, open)
          : g.node("p", {
              class: "g-aside",
              text: heard.accuracy
                ? "A matrix of so many classes cannot be read; the table has them all."
                : "Classes that answer for themselves make no matrix. An image may show more than its one label, " +
                  "so precision is at least what is shown.",
            }),
        found,
      ),
      g.node(
        "div",
        { class: "g-side" },
        g.node("div", { class: "g-wide" }, classes(heard)),
        reliability(heard, answer),
      ),
    ),
  );
};

export const labelPhrasings = async (body, server, answer) => {
  const root = g.node(
    "section",
    { class: "g-measures", id: "label-phrasings", "aria-busy": "true" },
    g.node("p", { class: "g-aside", text: "Comparing the phrasings" }),
  );
  body.replaceChildren(root);
  const heard = await g.request(server.phrase, { job: answer.job });
  root.removeAttribute("aria-busy");
  if (heard.error) return root.replaceChildren(g.notice(heard.error));
  if (!heard.phrasings.length)
    return root.replaceChildren(
      g.node(
        "div",
        { class: "g-empty" },
        g.node("b", {
          text: "Several phrasings are compared here",
        }),
        g.node("p", {
          text: answer.independent ? "That is for “one of these”." : "Choose the 7 phrasings, or write your own.",
        }),
      ),
    );
  const [first] = heard.phrasings;
  const known = first.known;
  const rows = heard.phrasings
    .map((one) => {
      const change = one.without_right === null ? null : (one.without_right - heard.together?.value * known) / known;
      return { ...one, change };
    })
    .sort((a, b) => (known ? b.right - a.right : b.agrees - a.agrees));
  const points = (x) => `${x >= 0 ? "+" : "−"}${Math.abs(100 * x).toFixed(1)} points`;
  const best = rows[0];
  root.replaceChildren(
    g.node("h2", {
      text: known
        ? `Together ${g.percent(heard.together.value)} right, the best alone ` + g.percent(best.alone.value)
        : "How far each phrasing agrees with all together",
    }),
    g.node("p", {
      class: "g-verdict",
      text: known
        ? `${g.images(known)} with a known label; together ` + `${g.interval(heard.together)}.`
        : "No labels of these classes are known, so which is right is not.",
    }),
    g.node(
      "div",
      { class: "g-wide" },
      table(
        { class: "g-measured" },
        ["phrasing", known ? "right, alone" : "agrees, alone", ...(known ? ["agrees", "the others without it"] : [])],
        rows.map((one) =>
          g.node(
            "tr",
            {},
            g.node("th", { scope: "row", text: one.template }),
            ...(known ? [whisker(one.alone)] : []),
            g.node("td", { class: "g-n", text: g.percent(one.agrees) }),
            ...(known ? [g.node("td", { class: "g-n", text: one.change === null ? "–" : points(one.change) })] : []),
          ),
        ),
      ),
    ),
  );
};
