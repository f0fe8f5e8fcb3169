// A line chart with round ticks and the values under the pointer.
import { node, svgNode } from "../elements/elements.js";
import { count, decimal } from "../format/format.js";
import { _ } from "../language/language.js";

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

// The scales of lines { points: [x, y] of each }: their ends, and functions to and from pixels. The axis of x begins at
// 0, or with log at the first x. low, high: ends of y [default: those of the points].
export function scalesOf(lines, { log = false, low: least = null, high: most = null } = {}) {
  const xs = lines.flatMap((line) => line.points.map(([x]) => x));
  const ys = lines.flatMap((line) => line.points.map(([, y]) => y));
  const end = Math.max(...xs, log ? 0 : 1);
  const start = log ? Math.min(...xs) : 0;
  let [low, high] = [least ?? Math.min(...ys), most ?? Math.max(...ys)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const [width, height] = [WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM];
  const share = (value) => (log ? Math.log(value / start) / Math.log(end / start) : value / end);
  return {
    start,
    end,
    low,
    high,
    x: (value) => LEFT + share(value) * width,
    y: (value) => TOP + ((high - value) / (high - low)) * height,
    valueAt: (px) => {
      const at = (px - LEFT) / width;
      return log ? start * (end / start) ** at : at * end;
    },
  };
}

// Powers of ten from start to end, and their neighbours where there is but one.
export function logTicks(start, end) {
  const found = [];
  for (let power = Math.floor(Math.log10(start)); power <= Math.log10(end); power++)
    for (const factor of end / start > 200 ? [1] : [1, 3])
      if (factor * 10 ** power >= start * 0.999 && factor * 10 ** power <= end * 1.001)
        found.push(factor * 10 ** power);
  return found;
}

// The point of a line that is nearest to x.
const nearestPoint = (points, x) =>
  points.reduce((best, point) => (Math.abs(point[0] - x) < Math.abs(best[0] - x) ? point : best));

const last = (line) => line.points[line.points.length - 1];

function axes(scales, log) {
  const horizontal = ticks(scales.low, scales.high).flatMap((value) => {
    const y = scales.y(value);
    const settings = { x: LEFT - 6, y: y + 4, "text-anchor": "end", text: shortNumber(value) };
    return [
      svgNode("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, class: "g-plots-grid" }),
      svgNode("text", settings),
    ];
  });
  const places = log ? logTicks(scales.start, scales.end) : ticks(0, scales.end);
  const vertical = places.map((value) =>
    svgNode("text", { x: scales.x(value), y: HEIGHT - 6, "text-anchor": "middle", text: shortNumber(value) }),
  );
  return [...horizontal, ...vertical];
}

function curve(line, scales) {
  const place = ([x, y]) => `${scales.x(x).toFixed(1)} ${scales.y(y).toFixed(1)}`;
  const d = line.points.map((point, i) => `${i ? "L" : "M"}${place(point)}`).join("");
  const [x, y] = last(line);
  return [
    svgNode("path", { d, stroke: line.colour, class: "g-plots-curve" }),
    svgNode("circle", { cx: scales.x(x), cy: scales.y(y), r: 2.5, fill: line.colour }),
  ];
}

// Shows a vertical rule and the values of all lines at the pointer.
function followPointer(chart, rule, values, lines, scales, xText) {
  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = scales.valueAt(((event.clientX - box.left) / box.width) * WIDTH);
    const points = lines.map((line) => nearestPoint(line.points, x));
    const px = scales.x(points[0][0]);
    Object.entries({ visibility: "visible", x1: px, x2: px }).forEach(([name, value]) =>
      rule.setAttribute(name, value),
    );
    const text = ([, y], i) => node("span", { style: { color: lines[i].colour }, text: shortNumber(y) });
    values.replaceChildren(node("span", { text: xText(points[0][0]) }), ...points.map(text));
  });
  chart.addEventListener("pointerleave", () => {
    rule.setAttribute("visibility", "hidden");
    values.replaceChildren();
  });
}

// lines: { name, colour, points: [x, y] of each } of each. settings: xText(x) says an x; at: an x that is marked; log,
// low, high: as scalesOf takes them.
export function lineChart(title, lines, settings = {}) {
  const { xText = (x) => _("step {step}", { step: count(x) }), at = null, log = false } = settings;
  const scales = scalesOf(lines, settings);
  const summary = lines.map((line) => `${line.name}: ${shortNumber(last(line)[1])}`).join(", ");
  const attributes = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": _("{title}, last values {summary}", { title, summary }),
  };
  const rule = svgNode("line", { y1: TOP, y2: HEIGHT - BOTTOM, class: "g-plots-rule", visibility: "hidden" });
  const curves = lines.flatMap((line) => curve(line, scales));
  const chart = svgNode("svg", attributes, ...axes(scales, log), ...curves, rule);
  if (at !== null) {
    const px = scales.x(at);
    chart.append(svgNode("line", { x1: px, x2: px, y1: TOP, y2: HEIGHT - BOTTOM, class: "g-plots-at" }));
  }
  const values = node("span", { class: "g-plots-values" });
  followPointer(chart, rule, values, lines, scales, xText);
  return node("figure", { class: "g-plots-chart" }, node("figcaption", {}, node("b", { text: title }), values), chart);
}
