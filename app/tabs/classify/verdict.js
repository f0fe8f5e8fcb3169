// What the probabilities of one image say, in words.
import { percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";
import { nameOf } from "./parts.js";

const ofAny = (bars) => {
  const yes = bars.filter((bar) => bar.probability > 0.5);
  if (yes.length) {
    const detail = _("{yes} of {classes} classes are above 50 %, each judged by itself", {
      yes: yes.length,
      classes: bars.length,
    });
    return { title: yes.map(nameOf).join(", "), detail };
  }
  return {
    title: _("None of these"),
    detail: _("the likeliest, {name}, gets {probability}", {
      name: nameOf(bars[0]),
      probability: percent(bars[0].probability),
    }),
  };
};

// { title, detail } of the bars of an image, likeliest first. independent: each class is judged by itself.
export const verdict = ({ bars, independent }) => {
  if (independent) return ofAny(bars);
  const [first, second] = bars;
  const title = first.none ? _("None of these") : first.name;
  if (!second)
    return {
      title,
      detail: _("{probability}, the only class, so it gets everything", { probability: percent(first.probability) }),
    };
  const lead = percent(first.probability - second.probability).replace("%", "points");
  return {
    title,
    detail: _("{probability}, {lead} ahead of {second}", {
      probability: percent(first.probability),
      lead,
      second: nameOf(second),
    }),
  };
};
