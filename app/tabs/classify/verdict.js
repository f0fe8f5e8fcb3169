// What the probabilities of one image say, in words.
import { percent } from "../../ui/format/format.js";
import { nameOf } from "./parts.js";

const ofAny = (bars) => {
  const yes = bars.filter((bar) => bar.probability > 0.5);
  if (yes.length) {
    const detail = `${yes.length} of ${bars.length} classes are above 50 %, each judged by itself`;
    return { title: yes.map(nameOf).join(", "), detail };
  }
  return { title: "None of these", detail: `the likeliest, ${nameOf(bars[0])}, gets ${percent(bars[0].probability)}` };
};

// { title, detail } of the bars of an image, likeliest first. independent: each class is judged by itself.
export const verdict = ({ bars, independent }) => {
  if (independent) return ofAny(bars);
  const [first, second] = bars;
  const title = first.none ? "None of these" : first.name;
  if (!second) return { title, detail: `${percent(first.probability)}, the only class, so it gets everything` };
  const lead = percent(first.probability - second.probability).replace("%", "points");
  return { title, detail: `${percent(first.probability)}, ${lead} ahead of ${nameOf(second)}` };
};
