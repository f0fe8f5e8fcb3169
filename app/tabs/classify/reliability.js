// Reliability diagrams: predicted probability across, accuracy up; on the diagonal, 80 % is right four times in five.
import { node, svgNode } from "../../ui/elements/elements.js";
import { count, decimal, images, interval, percent } from "../../ui/format/format.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { table } from "./parts.js";

const SIDE = 100; // of the plane, in the units of the drawing

const binNodes = (bin, n) => {
  const x = SIDE * bin.confidence;
  const { value, low, high } = bin.accuracy;
  const y = (share) => SIDE - SIDE * share;
  return [
    svgNode("line", { x1: x, x2: x, y1: y(low), y2: y(high), class: "g-classify-reach" }),
    // The area of a dot follows the number of its images.
    svgNode("circle", { cx: x, cy: y(value), class: "g-classify-dot", r: 1.4 + 3.2 * Math.sqrt(bin.accuracy.n / n) }),
  ];
};

const axes = () => {
  const text = (x, y, label, anchor = "middle") => svgNode("text", { x, y, "text-anchor": anchor, text: label });
  const up = svgNode("text", { x: -50, y: -7, "text-anchor": "middle", transform: "rotate(-90)", text: _("accuracy") });
  return [
    text(0, 108, "0"),
    text(SIDE, 108, "1"),
    text(50, 115, _("probability")),
    text(-3, 3, "1", "end"),
    text(-3, 101, "0", "end"),
    up,
  ];
};

const shown = (error) => decimal(100 * error, 1);

const diagram = (reliability, label) => {
  const error = _("calibration error {error} %", { error: shown(reliability.error) });
  const image = svgNode(
    "svg",
    {
      viewBox: "-14 -4 122 122",
      class: "g-classify-reliability",
      role: "img",
      "aria-label": _("{label}: {error} over {n} images", { label, error, n: reliability.n }),
    },
    svgNode("rect", { x: 0, y: 0, width: SIDE, height: SIDE, class: "g-classify-plane" }),
    svgNode("line", { x1: 0, y1: SIDE, x2: SIDE, y2: 0, class: "g-classify-diagonal" }),
    ...reliability.bins.flatMap((bin) => binNodes(bin, reliability.n)),
    ...axes(),
  );
  const caption = node("figcaption", {}, node("b", { text: label }), node("span", {}, error, helpSign("calibration")));
  return node("figure", {}, caption, image);
};

const binTable = ({ before, after }) => {
  const line = (when) => (bin) =>
    node(
      "tr",
      {},
      node("th", { scope: "row", text: when }),
      node("td", { text: percent(bin.confidence) }),
      node("td", { text: `${percent(bin.accuracy.value)} (${interval(bin.accuracy)})` }),
      node("td", { class: "g-n", text: count(bin.accuracy.n) }),
    );
  const rows = [...before.bins.map(line(_("before"))), ...after.bins.map(line(_("after")))];
  return table({ class: "g-classify-measured" }, ["", _("probability"), _("accuracy"), "n"], rows);
};

const method = ({ before }, { independent, calibration }) =>
  independent
    ? _("One curve for all classes, {n} decisions, each judged by a curve fitted without it.", { n: count(before.n) })
    : _(
        "The temperature in use is {temperature}. {n}, each judged by a temperature fitted without it. Dots are larger where more images lie; lines are 95 % intervals.",
        { temperature: decimal(calibration.temperature, 2), n: images(before.n) },
      );

// What calibration does to the error, as far as the figures below it show it.
export const effectText = ({ before, after }) => {
  const [was, is] = [before, after].map(({ error }) => shown(error));
  if (was === is) return _("Calibration leaves the calibration error at {error} %", { error: is });
  return after.error < before.error
    ? _("Calibration lowers the calibration error")
    : _("Calibration raises the calibration error");
};

// measured: what the server measured, with before and after; answer: the labelling.
export const reliability = (measured, answer) => {
  if (!measured.before) {
    const { least, known } = measured;
    const text =
      known < least
        ? _("Calibration is measured once {least} labels of these classes are known; {known} are.", { least, known })
        : _("{known} images have a label of these classes now, which is enough: calibrate under Review.", { known });
    return node("p", { class: "g-aside", id: "reliability", text });
  }
  const diagrams = [diagram(measured.before, _("before")), diagram(measured.after, _("calibrated"))];
  return node(
    "section",
    { id: "reliability" },
    node("h3", { text: effectText(measured) }),
    node("div", { class: "g-classify-figures" }, ...diagrams),
    node("p", { class: "g-aside", text: method(measured, answer) }),
    node("details", {}, node("summary", { text: _("As a table") }), binTable(measured)),
  );
};
