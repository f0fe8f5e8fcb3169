// What each prompt template does to the labels of the collection: alone, and to the others when it is left out.
import { node, notice } from "../../ui/elements/elements.js";
import { count, images, interval, percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";
import { empty, figureCell, points, table } from "./parts.js";

// Effects with the change in accuracy when a template is left out, best first; by agreement where no label is known.
// together: the accuracy with all templates, { value }, or nothing.
export const rankedEffects = (effects, together) => {
  const known = effects[0]?.known;
  const change = (right) => (right === null ? null : right / known - together?.value);
  return effects
    .map((effect) => Object.assign({}, effect, { change: change(effect.without_right) }))
    .toSorted((a, b) => (known ? b.right - a.right : b.agrees - a.agrees));
};

const effectTable = (effects, known) => {
  const number = (text) => node("td", { class: "g-n", text });
  const line = (effect) => {
    const agrees = number(percent(effect.agrees));
    const change = number(effect.change === null ? "–" : points(effect.change));
    const cells = known ? [figureCell(effect.alone), agrees, change] : [agrees];
    return node("tr", {}, node("th", { scope: "row", text: effect.template }), ...cells);
  };
  const columns = known ? [_("right, alone"), _("agrees"), _("the others without it")] : [_("agrees, alone")];
  return table({ class: "g-classify-measured" }, [_("prompt template"), ...columns], effects.map(line));
};

// What one template does for each class: the share that is right or, without known labels, the mean probability.
const classEffects = ({ templates, names }) => {
  const body = node("div", { class: "g-classify-measure-scroll" });
  const known = templates[0].known > 0;
  const heads = [
    _("class"),
    _("images"),
    known ? _("right, all together") : _("probability, all together"),
    _("it alone"),
    _("the others without it"),
  ];
  const number = (text) => node("td", { class: "g-n", text });
  const line = ({ answer, images: amount, together, alone, without }) =>
    node(
      "tr",
      {},
      node("th", { scope: "row", text: names[answer] }),
      number(count(amount)),
      number(percent(together)),
      number(points(alone - together)),
      number(without === null ? "–" : points(without - together)),
    );
  const draw = () =>
    body.replaceChildren(
      table({ class: "g-classify-measured" }, heads, templates[Number(select.value)].by_class.map(line)),
    );
  const options = templates.map(({ template }, i) => node("option", { value: i, text: template }));
  const settings = { class: "g-button", id: "template-of-classes", "aria-label": _("Prompt template"), onchange: draw };
  const select = node("select", settings, ...options);
  draw();
  return node(
    "section",
    { id: "template-classes" },
    node("h3", { text: _("Effect by class, the largest change first") }),
    select,
    body,
  );
};

// Draws the view into body.
export const showTemplates = async (body, server, answer) => {
  const waiting = node("p", { class: "g-aside", text: _("Comparing the prompt templates") });
  const root = node("section", { class: "g-classify-measures", id: "label-templates", "aria-busy": "true" }, waiting);
  body.replaceChildren(root);
  const compared = await request(server.templates, { job: answer.job });
  root.removeAttribute("aria-busy");
  if (compared.error) {
    root.replaceChildren(notice(compared.error));
    return;
  }
  if (!compared.templates.length) {
    const text = answer.independent
      ? _("That is for “one of these”.")
      : _("Choose the 7 prompt templates, or write your own.");
    root.replaceChildren(empty(_("Several prompt templates are compared here"), text));
    return;
  }
  const { together } = compared;
  const effects = rankedEffects(compared.templates, together);
  const [{ known, alone }] = effects;
  const title = known
    ? _("All templates together: {together} right; the best alone: {best}", {
        together: percent(together.value),
        best: percent(alone.value),
      })
    : _("How far each prompt template agrees with all together");
  const detail = known
    ? _("{known} with a known label; together {together}.", { known: images(known), together: interval(together) })
    : _("No labels of these classes are known, so accuracy cannot be measured.");
  root.replaceChildren(
    node("h2", { text: title }),
    node("p", { class: "g-classify-verdict", text: detail }),
    node("div", { class: "g-classify-measure-scroll" }, effectTable(effects, known)),
    classEffects(compared),
  );
};
