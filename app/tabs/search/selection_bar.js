// What can be done with the chosen images of the search: tags, export, more and less of them.
import { button } from "../../ui/elements/elements.js";
import { count } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { menu } from "../../ui/menu/menu.js";
import { download, exportKinds } from "../../ui/selection/download.js";
import { selection } from "../../ui/selection/selection.js";
import { tagForm } from "../../ui/selection/tag_form.js";
import { session } from "../../ui/session/session.js";

const exportChosen = (actions, say) => {
  const to = async (kind) => {
    const { choice, error } = await actions.choose();
    say(error);
    if (!error) download(actions.list().collection, choice, kind);
  };
  const choices = exportKinds().map(([text, kind]) => [text, () => to(kind)]);
  if (session.state?.local) choices.push([_("Into a folder…"), () => actions.exportTo()]);
  return menu("download", _("Export"), choices, { id: "export-chosen" });
};

// actions: { list(), like(ids, sign), tag(name, on), names(), choose(), exportTo() }; list() also has the collection and
// how many results are likely.
export const searchSelection = (grid, actions) => {
  const all = button(null, "", () => chosen.chooseAll(), { id: "choose-all", title: _("Ctrl+A") });
  const likely = button(
    null,
    "",
    () => {
      chosen.addSpan(0, actions.list().likely);
      chosen.mark();
    },
    { id: "choose-likely" },
  );
  const more = button("like", _("More like these"), () => actions.like(chosen.ids, 1), { id: "more-like-these" });
  const less = button("unlike", _("Less like these"), () => actions.like(chosen.ids, -1), { id: "less-like-these" });
  const say = (error) => (chosen.message.textContent = error || "");
  const tag = async (name, on) => {
    const answer = await actions.tag(name, on);
    say(answer.error);
    return answer;
  };
  const redraw = () => {
    const { hits, whole, likely: amount } = actions.list();
    for (const one of [more, less]) one.hidden = chosen.chosen.spans.length > 0;
    all.querySelector("span").textContent = whole ? _("All {amount}", { amount: count(hits.length) }) : _("All shown");
    all.hidden = chosen.chosen.hasAll(0, hits.length);
    likely.hidden = whole || !(amount > hits.length) || chosen.chosen.hasAll(0, amount);
    likely.querySelector("span").textContent = _("All {amount} likely", { amount: count(amount || 0) });
  };
  const controls = () => [all, likely, tagForm(tag, () => actions.names()), exportChosen(actions, say), more, less];
  const chosen = selection(grid, "selected", { list: () => actions.list(), controls, redraw });
  return chosen;
};
