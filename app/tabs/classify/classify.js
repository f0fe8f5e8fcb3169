// The classify tab: the image, its bars, and the labels of a whole collection.
import * as g from "../../ui/ui.js";
import { classHeatMaps } from "./class_heat_map.js";
import * as own from "./classify.js";

// The image to classify. Its value goes to Python as { image } (a token) or { id, collection }.
export const image = (element, props, trigger, event) => {
  const root = element.querySelector(".g-image");
  const file = g.node("input", {
    type: "file",
    id: "classify-file",
    accept: "image/*",
    hidden: true,
    "aria-label": "Choose an image to classify",
    onchange: () => {
      if (file.files[0]) take(file.files[0]);
      file.value = "";
    },
  });
  const zone = g.node("button", { type: "button", class: "g-zone", id: "classify-zone", onclick: () => file.click() });
  const problem = g.node("div", { id: "classify-notice" });
  const empty = () =>
    zone.replaceChildren(
      g.icon("image"),
      g.node("b", { text: "Choose an image" }),
      g.node("span", { text: "or drop or paste one here, or take one from the search" }),
    );
  const show = (source, name) => {
    zone.replaceChildren(
      g.node("span", { class: "g-shown" }, g.node("img", { src: source, alt: name })),
      g.node("span", { class: "g-caption", text: name }),
    );
    zone.setAttribute("aria-label", `${name}; choose another image`);
    problem.replaceChildren();
  };
  const set = (value) => {
    props.value = value;
    trigger(event, value);
    own.waiting("bars");
  };
  const take = async (image) => {
    zone.classList.add("g-sending");
    const answer = await g.upload(image);
    zone.classList.remove("g-sending");
    if (answer.error) return problem.replaceChildren(g.notice(answer.error));
    show(`images/${answer.image}.webp`, image.name || "your image");
    set({ image: answer.image });
  };
  root.append(zone, file, problem);
  empty();
  g.droppable(element, take);
  document.addEventListener("paste", (pasting) => {
    const image = g.pasted(pasting);
    if (image && g.whichTab() === "classify") {
      pasting.preventDefault();
      take(image);
    }
  });
  const given = ({ id, collection, name }) => {
    show(g.media(collection, id), name);
    set({ id, collection });
  };
  g.onClassify(given);
};

// Marks a part of the page as waiting for its answer; passes the values of an event on.
export const waiting = (id, values) => {
  document.getElementById(id)?.setAttribute("aria-busy", "true");
  return values;
};

// A name, a bar that begins at zero, and a number.
export const row = (name, share, number, kind = "", mark = null) =>
  g.node(
    "div",
    { class: `g-row ${kind}` },
    g.node("span", { class: "g-row-name", title: name }, mark, g.node("span", { text: name })),
    g.node("span", { class: "g-row-bar" }, g.node("i", { style: { width: `${100 * share}%` } })),
    g.node("span", { class: "g-row-number", text: number }),
  );

export const nameOf = (bar) => (bar.none ? "none of these" : bar.name);

// What probabilities rest on, as a badge with its reason.
export const badge = (sureness) => {
  const done = sureness.labels > 0;
  const text = done ? `calibrated on ${g.count(sureness.labels)} labels` : "not calibrated";
  const missing = sureness.known
    ? `${sureness.known} labels of these classes are known and it takes 20`
    : "no labels of these classes are known";
  const why = done
    ? `Of what is called 80 % sure, about four fifths are right: on labels held out, the gap was ` +
      `${g.percent(sureness.before)} before and ${g.percent(sureness.after)} after.`
    : sureness.wanted === "calibrated"
      ? `How sure the encoder is, not how often it is right: ${missing}. Label and correct some images.`
      : "How sure the encoder is, not how often it is right.";
  return g.node(
    "p",
    { class: "g-aside g-sureness" },
    g.node("span", { class: `g-badge ${done ? "g-calibrated" : ""}`, text }),
    g.node("span", { text: why }),
  );
};

const phrasings = (answer) => {
  const [first] = answer.bars;
  const together = first.probability;
  const points = (p) => `${p - together >= 0 ? "+" : "−"}${Math.abs(100 * (p - together)).toFixed(1)}`;
  return g.node(
    "details",
    { class: "g-phrasings", id: "phrasings", open: answer.phrasings.length < 10 },
    g.node("summary", { text: `What each of the ${answer.phrasings.length} phrasings does` }),
    g.node(
      "table",
      {},
      g.node(
        "thead",
        {},
        g.node(
          "tr",
          {},
          ...["phrasing", `alone, for ${own.nameOf(first)}`, "without it"].map((text) =>
            g.node("th", { scope: "col", text }),
          ),
        ),
      ),
      g.node(
        "tbody",
        {},
        ...answer.phrasings.map((one) =>
          g.node(
            "tr",
            {},
            g.node("th", { scope: "row", text: one.template }),
            g.node(
              "td",
              { title: one.agrees ? "" : `Alone it says ${one.first}` },
              g.percent(one.probability),
              !one.agrees && g.node("em", { text: ` says ${one.first}` }),
            ),
            g.node("td", { text: one.without === null ? "–" : `${points(one.without)} points` }),
          ),
        ),
      ),
    ),
  );
};

export const bars = (element, props, server, watch) => {
  const root = element.querySelector(".g-bars");
  const empty = () => {
    const reader = g.session.state?.encoder;
    if (reader && reader.readsText === false)
      return g.notice(
        `${reader.name} sees images only and cannot read class names. Choose a collection of another encoder above.`,
      );
    return g.node(
      "div",
      { class: "g-empty" },
      g.node("b", { text: "What is in the image?" }),
      g.node("p", {
        text:
          "Choose an image and write the classes it may belong to. " +
          "Each gets a bar here, and together they make 100 %.",
      }),
    );
  };
  const verdict = (answer) => {
    const [first, second] = answer.bars;
    if (answer.independent) {
      const yes = answer.bars.filter((bar) => bar.probability > 0.5);
      return [
        yes.length ? yes.map(own.nameOf).join(", ") : "None of these",
        yes.length
          ? `${yes.length} of ${answer.bars.length} classes say yes, each for itself`
          : `the likeliest, ${own.nameOf(first)}, gets ${g.percent(first.probability)}`,
      ];
    }
    const lead = second && g.percent(first.probability - second.probability).replace("%", "points");
    return [
      first.none ? "None of these" : first.name,
      `${g.percent(first.probability)}, ${
        second ? `${lead} ahead of ${own.nameOf(second)}` : "the only class, so it gets everything"
      }`,
    ];
  };
  let where = null,
    drawn = "";
  const draw = () => {
    document.getElementById("bars")?.removeAttribute("aria-busy");
    const answer = props.value;
    const now = JSON.stringify({ ...answer, turn: 0, reads: g.session.state?.encoder?.readsText });
    if (now === drawn) return; // the same again: what a person holds on to stays
    drawn = now;
    where?.remove();
    if (answer?.error) return root.replaceChildren(g.notice(answer.error));
    if (!answer?.bars) return root.replaceChildren(empty());
    const [title, detail] = verdict(answer);
    const shown = answer.bars.slice(0, 24);
    where = classHeatMaps(() => g.request(server.where_, { ...answer.asked, names: shown.map((bar) => bar.name) }));
    const bar = (bar, i) => {
      const strong = answer.independent ? bar.probability > 0.5 : !i;
      const row = own.row(own.nameOf(bar), bar.probability, g.percent(bar.probability), strong ? "g-first" : "");
      row.append(g.node("span", { class: "g-cosine", text: g.score(bar.cosine), title: "cosine" }));
      if (!bar.none) where.add(row, bar.name);
      return row;
    };
    root.replaceChildren(
      g.node("h2", { text: title, id: "verdict" }),
      g.node("p", { class: "g-verdict", text: detail }),
      ...(answer.understood ? [g.node("p", { class: "g-aside", text: answer.understood })] : []),
      g.node("div", { class: `g-probabilities ${answer.independent ? "g-each" : ""}` }, ...shown.map(bar)),
      (answer.bars.length > 24 &&
        g.node("p", { class: "g-aside", text: `and ${answer.bars.length - 24} more, each less likely` })) ||
        "",
      own.badge(answer.sureness),
      answer.phrasings.length ? phrasings(answer) : "",
      g.node("p", { class: "g-aside", text: `By ${answer.encoder}.` }),
    );
  };
  watch("value", draw);
  g.onState(() => props.value?.bars || props.value?.error || draw());
  draw();
};
