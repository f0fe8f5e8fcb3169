// What is asked for: the grammar of a query, and the pills that show and change it.
import * as g from "../ui.js";
import * as own from "./query.js";

// `2:golden retriever + pool - people` as [{ sign, weight, words }], as index/query.py reads it.
export const splitWords = (q) => {
  const parts = q.trim().split(/(?:^|\s)([+\-−–])\s+/);
  const signs = ["+"];
  const texts = [parts[0]];
  for (let i = 1; i < parts.length; i += 2) {
    signs.push(parts[i]);
    texts.push(parts[i + 1]);
  }
  const terms = texts.map((text, i) => {
    const match = text.trim().match(/^(\d+(?:\.\d+)?):\s*(?=\S)/);
    return {
      sign: signs[i] === "+" ? 1 : -1,
      weight: match ? Number(match[1]) : 1,
      words: text.trim().slice(match ? match[0].length : 0),
    };
  });
  return terms.filter((term) => term.words);
};

export const joinWords = (terms) =>
  terms
    .map((term, i) => {
      const sign = term.sign < 0 ? "- " : i ? "+ " : "";
      return `${sign}${term.weight === 1 ? "" : `${term.weight}:`}${term.words}`;
    })
    .join(" ");

// A term as a pill: its sign turns it round, its weight steps up, its cross takes it away.
const pill = (term, label, body, { changed, remove, weigh }) => {
  const wanted = term.sign > 0;
  return g.node("span", { class: `g-term ${wanted ? "" : "g-without"}` },
    g.node("button", {
      type: "button",
      class: "g-sign",
      title: wanted ? "Wanted; click for unwanted" : "Unwanted; click for wanted",
      "aria-label": wanted ? `${label} is wanted; make it unwanted` : `${label} is unwanted; make it wanted`,
      onclick: () => {
        term.sign *= -1;
        changed();
      },
    }, g.icon(wanted ? "plus" : "minus")),
    ...body,
    weigh && g.node("button", {
      type: "button",
      class: `g-weight ${term.weight === 1 ? "" : "g-more-than-one"}`,
      title: "How much it counts; click for more, after 4 it is 1 again",
      "aria-label": `${label} counts ${term.weight} times; change that`,
      text: `×${term.weight}`,
      onclick: () => {
        term.weight = term.weight >= 4 ? 1 : Math.floor(term.weight) + 1;
        changed();
      },
    }),
    g.node("button", {
      type: "button", class: "g-drop", title: "Remove", "aria-label": `Remove ${label}`, onclick: remove,
    }, g.icon("close")));
};

// The pills of a question { q, like, images }; change(question) is told of every change.
export const pills = (ask, change) => {
  const words = own.splitWords(ask.q);
  const single = words.length === 1 && words[0].sign > 0 && !ask.like.length && !ask.images.length;
  const without = (list, term) => list.filter((other) => other !== term);
  const spelled = (terms) => ({ ...ask, q: own.joinWords(terms) });
  const nodes = (single ? [] : words).map((term) =>
    pill(term, term.words, [g.node("span", { text: term.words })], {
      weigh: true,
      changed: () => change(spelled(words)),
      remove: () => change(spelled(without(words, term))),
    }));
  ask.images.forEach((term) => {
    const image = g.node("img", { src: `images/${term.token}.webp`, alt: "" });
    nodes.push(pill(term, term.name, [image, g.node("span", { text: term.name })], {
      changed: () => change(ask),
      remove: () => change({ ...ask, images: without(ask.images, term) }),
    }));
  });
  ask.like.forEach((term) => {
    const image = g.node("img", { src: g.media(g.collection(), term.id), alt: "" });
    const text = term.sign > 0 ? "like this" : "not like this";
    nodes.push(pill(term, "like this image", [image, g.node("span", { text })], {
      changed: () => change(ask),
      remove: () => change({ ...ask, like: without(ask.like, term) }),
    }));
  });
  if (ask.images.length) {
    const text = "An uploaded image stays on this computer; it is not part of the link.";
    nodes.push(g.node("span", { class: "g-aside", text }));
  }
  if (nodes.length) {
    nodes.push(g.node("button", {
      type: "button", class: "g-clear", text: "Clear all", onclick: () => change({ ...ask, q: "", like: [], images: [] }),
    }));
  }
  return { nodes, single };
};
