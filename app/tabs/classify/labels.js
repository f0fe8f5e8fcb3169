// The labels of a whole collection: how many images each class got, those images, and what else to look at.
// Eight hues that people with any colour vision tell apart (Okabe and Ito); further classes share a grey.
import * as g from "../../ui/ui.js";
import * as measuresModule from "./measures.js";
import * as reviewModule from "./review.js";
import * as classifyModule from "./classify.js";
import * as own from "./labels.js";

const HUES = ["#e69f00", "#56b4e9", "#009e73", "#cc79a7", "#0072b2", "#d55e00", "#b8a800", "#6b645f"];
const hue = (c, i) => (c.none ? "var(--g-line)" : HUES[i] || "var(--g-grey)");

const spent = (seconds) => (seconds < 1 ? `${Math.max(1, Math.round(1000 * seconds))} ms` : `${seconds.toFixed(1)} s`);

// Images that a question names, a page at a time.
export const labelGrid = (server, id) => {
  const grid = g.arrows(g.node("div", { class: "g-grid", id }));
  const more = g.button(null, "Show 60 more", () => fill(true), { class: "g-button g-more", hidden: true });
  let ask = null,
    offset = 0;
  const fill = async (further) => {
    if (!further) offset = 0;
    const mine = ask;
    grid.setAttribute("aria-busy", "true");
    const page = await g.request(server.labelled, { ...ask, offset });
    if (mine !== ask) return;
    grid.removeAttribute("aria-busy");
    if (page.error) return grid.replaceChildren(g.notice(page.error));
    const cards = page.hits.map((hit) =>
      g.card(hit, page.collection, {
        share: hit.probability,
        score: g.percent(hit.probability),
        note: hit.corrected ? `you said ${hit.corrected}` : hit.runnerUp ? `then ${hit.runnerUp}` : "",
        onpick: (h) => g.classifyImage({ id: h.id, collection: page.collection, name: h.name }),
      }),
    );
    further ? grid.append(...cards) : grid.replaceChildren(...cards);
    offset += page.hits.length;
    more.hidden = offset >= page.total;
  };
  return {
    grid,
    more,
    show: (question) => {
      ask = question;
      return fill(false);
    },
  };
};

// One segment a class, as wide as its share; a segment opens its images.
const stacked = (answer, pick) => {
  const total = answer.classes.reduce((sum, c) => sum + c.images, 0) || 1;
  return g.node(
    "div",
    { class: "g-stack", id: "label-stack", role: "group", "aria-label": "Images by class" },
    ...answer.classes.map((c, i) =>
      c.images
        ? g.node("button", {
            type: "button",
            "data-answer": c.answer,
            style: { "flex-grow": c.images / total, background: hue(c, i) },
            title: `${classifyModule.nameOf(c)}: ${g.images(c.images)}`,
            "aria-label": `${classifyModule.nameOf(c)}, ${g.images(c.images)}`,
            onclick: () => pick(c),
          })
        : null,
    ),
  );
};

export const labels = (element, props, server, watch) => {
  const root = element.querySelector(".g-labels");
  let answer = null,
    view = "images",
    chosen = null,
    order = "sure",
    drawn = "";

  const draw = () => {
    document.getElementById("labels")?.removeAttribute("aria-busy");
    const value = props.value;
    if (!value)
      return root.replaceChildren(
        g.node(
          "div",
          { class: "g-empty g-labels-empty" },
          g.node("b", { text: "Label a whole collection" }),
          g.node("p", {
            text:
              "Every image gets the class whose " +
              "words lie nearest. You see how many each class gets, review the closest calls, and take the labels away.",
          }),
        ),
      );
    if (value.error) return root.replaceChildren(g.notice(value.error));
    g.readdress("classify", { job: value.job });
    if (value.state === "running") {
      drawn = "";
      const share = value.total ? value.done / value.total : 0;
      return root.replaceChildren(
        g.node(
          "div",
          { class: "g-job", role: "status" },
          g.node("p", {
            text: value.done ? `Labelled ${g.count(value.done)} of ${g.images(value.total)}` : "Reading the classes",
          }),
          g.node(
            "div",
            { class: "g-progress" },
            g.node("i", {
              style: { width: `${Math.max(3, 100 * share)}%` },
            }),
          ),
        ),
      );
    }
    if (drawn === value.job) return;
    drawn = value.job;
    answer = value;
    chosen = answer.classes.find((c) => c.name === chosen?.name && c.images) || null;
    finished();
  };

  const renew = (news) => {
    answer = { ...answer, ...news };
    if (news.classes && view !== "review") finished();
    else head();
  };

  const bar = g.node("div", { class: "g-labels-top" });
  const body = g.node("div", { class: "g-labels-body" });
  const images = own.labelGrid(server, "label-grid");

  const views = () => [
    ["images", "Images"],
    ["review", answer.corrections ? `Review · ${g.count(answer.corrections)} done` : "Review"],
    ["accuracy", "Accuracy"],
    ["phrasings", "Phrasings"],
  ];
  const open = (name) => {
    view = name;
    finished();
    document.getElementById(`view-${name}`)?.focus();
  };

  const grown = () => {
    const now = g.session.state;
    if (!now || now.collection !== answer.collection || now.searchable === answer.images) return null;
    return g.notice(
      `The collection now has ${g.images(now.searchable)}; ${g.count(answer.images)} are labelled. `,
      g.button(null, "Label again", () => document.getElementById("classify-all").click()),
    );
  };
  const head = () => {
    const elsewhere = g.collection() && answer.collection !== g.collection() ? ` of “${answer.collection}”` : "";
    const take = (kind, text) =>
      g.node(
        "a",
        {
          class: "g-button",
          id: `labels-${kind}`,
          download: true,
          href: `labels/${encodeURIComponent(answer.job)}.${kind}`,
        },
        text,
      );
    bar.replaceChildren(
      g.node(
        "div",
        { class: "g-results-head g-labels-head" },
        g.node(
          "p",
          { class: "g-status", id: "labels-status", role: "status" },
          g.node("b", { text: g.images(answer.images) }),
          ` labelled in ${spent(answer.seconds)}${elsewhere}`,
        ),
        g.node(
          "div",
          { class: "g-tools g-take", role: "group", "aria-label": "Take the labels away" },
          g.icon("download"),
          take("csv", "CSV"),
          take("json", "JSON"),
          take("py", "Folder script"),
        ),
      ),
      grown() || "",
      answer.understood ? g.node("p", { class: "g-aside", text: answer.understood }) : "",
      stacked(answer, (c) => {
        chosen = c;
        open("images");
      }),
      g.node(
        "div",
        { class: "g-views" },
        g.node(
          "div",
          { class: "g-ways", role: "group", "aria-label": "View" },
          ...views().map(([name, text]) =>
            g.node("button", {
              type: "button",
              class: "g-way",
              id: `view-${name}`,
              "aria-pressed": view === name,
              text,
              onclick: () => open(name),
            }),
          ),
        ),
        classifyModule.badge(answer.sureness),
      ),
    );
  };

  const showImages = () => {
    const most = Math.max(1, ...answer.classes.map((c) => c.images));
    const top = g.node("div", { class: "g-results-head" });
    const rows = answer.classes.map((c, i) => {
      const mark = g.node("i", { class: "g-mark", style: { background: hue(c, i) } });
      return g.node(
        "button",
        {
          type: "button",
          class: "g-class",
          "data-label": c.name,
          "aria-label": `${classifyModule.nameOf(c)}, ${g.images(c.images)}`,
          disabled: !c.images,
          onclick: () => pick(c),
        },
        classifyModule.row(classifyModule.nameOf(c), c.images / most, g.count(c.images), "", mark),
      );
    });
    const pick = (c) => {
      chosen = c;
      rows.forEach((row) => row.setAttribute("aria-pressed", row.dataset.label === c.name));
      const way = (key, label) =>
        g.node("button", {
          type: "button",
          class: "g-way",
          "aria-pressed": order === key,
          text: label,
          onclick: () => {
            order = key;
            pick(c);
          },
        });
      top.replaceChildren(
        g.node("p", { class: "g-status" }, g.node("b", { text: classifyModule.nameOf(c) }), ` · ${g.images(c.images)}`),
        g.node(
          "div",
          { class: "g-ways", role: "group", "aria-label": "Order" },
          way("sure", "Surest first"),
          way("close", "Closest calls first"),
        ),
      );
      images.show({ job: answer.job, answer: c.answer, order });
    };
    body.replaceChildren(
      g.node(
        "div",
        { class: "g-labels-split" },
        g.node("div", { class: "g-classes", id: "label-counts" }, ...rows),
        g.node("div", { class: "g-main" }, top, images.grid, images.more),
      ),
    );
    const first = chosen || answer.classes.find((c) => c.images);
    if (first) pick(answer.classes.find((c) => c.answer === first.answer) || first);
  };

  const finished = () => {
    head();
    if (view === "review") reviewModule.review(body, server, () => answer, renew);
    else if (view === "accuracy") measuresModule.accuracy(body, server, answer);
    else if (view === "phrasings") measuresModule.labelPhrasings(body, server, answer);
    else showImages();
    if (!root.contains(bar)) root.replaceChildren(bar, body);
  };
  watch("value", draw);
  g.onState(
    () =>
      answer && root.contains(bar) && props.value?.state === "done" && !bar.contains(document.activeElement) && head(),
  );
  draw();
};
