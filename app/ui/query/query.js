// The terms of a query as pills that show and change it.
import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";
import { collection, media } from "../session/session.js";
import { formatQuery, nextWeight, parseQuery } from "./terms.js";

const signButton = (term, label, changed) => {
  const wanted = term.sign > 0;
  return node(
    "button",
    {
      type: "button",
      class: "g-query-sign",
      title: wanted ? _("Wanted; click to exclude") : _("Excluded; click to want it"),
      "aria-label": wanted
        ? _("{label} is wanted; make it unwanted", { label })
        : _("{label} is unwanted; make it wanted", { label }),
      onclick: () => {
        term.sign *= -1;
        changed();
      },
    },
    icon(wanted ? "plus" : "minus"),
  );
};

const weightButton = (term, label, changed) =>
  node("button", {
    type: "button",
    class: `g-query-weight ${term.weight === 1 ? "" : "g-query-more-than-one"}`,
    title: _("Weight of this term; click to raise it, after 4 it is 1 again"),
    "aria-label": _("{label} has weight {weight}; change it", { label, weight: term.weight }),
    text: `×${term.weight}`,
    onclick: () => {
      term.weight = nextWeight(term.weight);
      changed();
    },
  });

// A button that removes what stands before it.
export const removeButton = (label, onclick) =>
  node(
    "button",
    { type: "button", class: "g-query-drop", title: _("Remove"), "aria-label": label, onclick },
    icon("close"),
  );

const pill = (term, label, body, { changed, remove, weighted = false }) =>
  node(
    "span",
    { class: `g-query-term ${term.sign > 0 ? "" : "g-query-without"}` },
    signButton(term, label, changed),
    ...body,
    weighted && weightButton(term, label, changed),
    removeButton(_("Remove {label}", { label }), remove),
  );

const imagePill = (term, label, source, text, actions) =>
  pill(term, label, [node("img", { src: source, alt: "" }), node("span", { text })], actions);

// The pills of a query { q, like, images }. change(query) hears of every change.
// single: the query is one wanted text, which the search field shows already.
export const pills = (query, change) => {
  const terms = parseQuery(query.q);
  const single = terms.length === 1 && terms[0].sign > 0 && !query.like.length && !query.images.length;
  const without = (list, removed) => list.filter((other) => other !== removed);
  const withTerms = (changed) => change({ ...query, q: formatQuery(changed) });
  const nodes = (single ? [] : terms).map((term) =>
    pill(term, term.text, [node("span", { text: term.text })], {
      weighted: true,
      changed: () => withTerms(terms),
      remove: () => withTerms(without(terms, term)),
    }),
  );
  const actions = (key, term) => ({
    changed: () => change(query),
    remove: () => change({ ...query, [key]: without(query[key], term) }),
  });
  for (const term of query.images) {
    nodes.push(imagePill(term, term.name, `images/${term.token}.webp`, term.name, actions("images", term)));
  }
  for (const term of query.like) {
    const text = term.sign > 0 ? _("like this") : _("not like this");
    nodes.push(imagePill(term, _("like this image"), media(collection(), term.id), text, actions("like", term)));
  }
  if (query.images.length) {
    const text = _("An uploaded image stays on this computer; it is not part of the link.");
    nodes.push(node("span", { class: "g-aside", text }));
  }
  if (nodes.length) {
    const onclick = () => change({ ...query, q: "", like: [], images: [] });
    nodes.push(node("button", { type: "button", class: "g-clear", text: _("Clear all"), onclick }));
  }
  return { nodes, single };
};
