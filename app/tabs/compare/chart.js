// A line chart with round ticks and the values under the pointer.
import { node, svgNode } from "../../ui/elements/elements.js";
import { count, decimal } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

const WIDTH = 300;
const HEIGHT = 150;
const LEFT = 44;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 22;

// A number in at most five characters or so.
export function shortNumber(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${decimal(value / 1e6, 1)}M`;
  if (size >= 1e4) return `${decimal(value / 1e3, 0)}k`;
  if (size && size < 1e-3) return value.toExponential(0);
  return String(+value.toPrecision(3));
}

// Round numbers between two ends, three or so.
export function ticks(low, high) {
  const rough = (high - low) / 3 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-6; value += step) found.push(value);
  return found;
}

// The scales of lines { points: [x, y] of each }: their ends, and functions to and from pixels.
export function scalesOf(lines) {
  const xs = lines.flatMap((line) => line.points.map(([x]) => x));
  const ys = lines.flatMap((line) => line.points.map(([, y]) => y));
  const end = Math.max(...xs, 1);
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const [width, height] = [WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM];
  return {
    end,
    low,
    high,
    x: (value) => LEFT + (value / end) * width,
    y: (value) => TOP + ((high - value) / (high - low)) * height,
    valueAt: (px) => ((px - LEFT) / width) * end,
  };
}

// The point of a line that is nearest to x.
export const nearestPoint = (points, x) =>
  points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));

const last = (line) => line.points[line.points.length - 1];

function axes(scales) {
  const horizontal = ticks(scales.low, scales.high).flatMap((value) => {
    const y = scales.y(value);
    const settings = { x: LEFT - 6, y: y + 4, "text-anchor": "end", text: shortNumber(value) };
    return [
      svgNode("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "g-compare-grid" }),
      svgNode("text", settings),
    ];
  });
  const vertical = ticks(0, scales.end).map((value) =>
    svgNode("text", { x: scales.x(value), y: HEIGHT - 6, "text-anchor": "middle", text: shortNumber(value) }),
  );
  return [...horizontal, ...vertical];
}

function curve(line, scales) {
  const place = ([x, y]) => `${scales.x(x).toFixed(1)} ${scales.y(y).toFixed(1)}`;
  const d = line.points.map((point, i) => `${i ? "L" : "M"}${place(point)}`).join("");
  const [x, y] = last(line);
  return [
    svgNode("path", { d, stroke: line.colour, class: "g-compare-curve" }),
    svgNode("circle", { cx: scales.x(x), cy: scales.y(y), r: 2.5, fill: line.colour }),
  ];
}

// Shows a vertical rule and the values of all lines at the pointer.
function followPointer(chart, rule, values, lines, scales) {
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = scales.valueAt(((event.clientX - box.left) / box.width) * WIDTH);
    const points = lines.map((line) => nearestPoint(line.points, x));
    const px = scales.x(points[0][0]);
    Object.entries({ visibility: "visible", x1: px, x2: px }).forEach(([name, value]) =>
      rule.setAttribute(name, value),
    );
    const text = ([, y], i) => node("span", { style: { color: lines[i].colour }, text: shortNumber(y) });
    values.replaceChildren(
      node("span", { text: _("step {step}", { step: count(points[0][0]) }) }),
      ...points.map(text),
    );
  });
  chart.addEventListener("pointerleave", () => {
    rule.setAttribute("visibility", "hidden");
    values.replaceChildren();
  });
}

// lines: { name, colour, points: [step, value] of each } of each run.
export function lineChart(title, lines) {
  const scales = scalesOf(lines);
  const summary = lines.map((line) => `${line.name}: ${shortNumber(last(line)[1])}`).join(", ");
  const settings = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": _("{title}, last values {summary}", { title, summary }),
  };
  const rule = svgNode("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "g-compare-rule", visibility: "hidden" });
  const curves = lines.flatMap((line) => curve(line, scales));
  const chart = svgNode("svg", settings, ...axes(scales), ...curves, rule);
  const values = node("span", { class: "g-compare-values" });
  followPointer(chart, rule, values, lines, scales);
  return node(
    "figure",
    { class: "g-compare-chart" },
    node("figcaption", {}, node("b", { text: title }), values),
    chart,
  );
}
