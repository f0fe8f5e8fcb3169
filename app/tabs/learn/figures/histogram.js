// How the values of one or two groups spread over common bins.
import { node, svgNode } from "../../../ui/elements/elements.js";
import { score } from "../../../ui/format/format.js";
import { _ } from "../../../ui/language/language.js";

const WIDTH = 300;
const HEIGHT = 90;

export function histogram({ title, edges, groups, x }) {
  const most = Math.max(...groups.flatMap(({ shares }) => shares), 1e-9);
  const wide = WIDTH / (edges.length - 1);
  const columns = groups.flatMap(({ shares }, g) =>
    shares.map((share, i) => {
      const tall = (HEIGHT * share) / most;
      const place = { x: i * wide + 0.5, y: HEIGHT - tall, width: wide - 1, height: tall };
      return svgNode("rect", { ...place, class: `g-learn-group-${g}` });
    }),
  );
  const names = groups.map(({ name }) => name).join(", ");
  const [low, high] = [score(edges[0]), score(edges.at(-1))];
  const label = _("{title}: {names}, from {low} to {high}", { title, names, low, high });
  const entry = ({ name }, g) =>
    node("span", {}, node("i", { class: `g-learn-group-${g}` }), node("span", { text: name }));
  return node(
    "div",
    { class: "g-learn-histogram" },
    node("h3", { text: title }),
    svgNode("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label }, ...columns),
    node(
      "p",
      { class: "g-learn-ends" },
      node("span", { text: score(edges[0]) }),
      node("span", { text: x }),
      node("span", { text: score(edges.at(-1)) }),
    ),
    node("div", { class: "g-learn-legend" }, ...groups.map(entry)),
  );
}
