// Small parts that several views of the Classify tab use.
import { node } from "../../ui/elements/elements.js";
import { count, decimal, interval, percent } from "../../ui/format/format.js";
import { _ } from "../../ui/language/language.js";

export const LEAST_LABELS = 20; // that calibration needs

// The name of a class as it is shown.
export const nameOf = (one) => (one.none ? _("none of these") : one.name);

// A difference of probabilities in percentage points.
export const points = (difference) =>
  _("{sign}{points} points", {
    sign: difference >= 0 ? "+" : "−",
    points: decimal(Math.abs(100 * difference), 1),
  });

// A name, a bar that begins at zero, and a number. mark: a node before the name.
export const row = (name, share, number, kind = "", mark = null) =>
  node(
    "div",
    { class: `g-row ${kind}` },
    node("span", { class: "g-row-name", title: name }, mark, node("span", { text: name })),
    node("span", { class: "g-row-bar" }, node("i", { style: { width: `${100 * share}%` } })),
    node("span", { class: "g-row-number", text: number }),
  );

// One button of a group of which one is pressed.
export const way = (text, pressed, onclick, settings = {}) =>
  node("button", { type: "button", class: "g-way", "aria-pressed": pressed, text, onclick, ...settings });

export const ways = (label, ...buttons) =>
  node("div", { class: "g-ways", role: "group", "aria-label": label }, ...buttons);

export const empty = (title, text) =>
  node("div", { class: "g-empty" }, node("b", { text: title }), node("p", { text }));

// A table. rows: nodes.
export const table = (settings, columns, rows) =>
  node(
    "table",
    settings,
    node("thead", {}, node("tr", {}, ...columns.map((text) => node("th", { scope: "col", text })))),
    node("tbody", {}, ...rows),
  );

// A share with its interval as a table cell, drawn from zero to one. figure: { value, low, high, n } or null.
export const figureCell = (figure) => {
  if (!figure) return node("td", { text: "–" });
  const { value, low, high, n } = figure;
  const reach = node("i", { style: { left: `${100 * low}%`, right: `${100 - 100 * high}%` } });
  const dot = node("b", { style: { left: `${100 * value}%` } });
  return node(
    "td",
    { class: "g-classify-figure", title: `${interval(figure)}, n = ${n}` },
    node("span", { text: percent(value) }),
    node("small", { text: `${Math.round(100 * low)}–${Math.round(100 * high)}` }),
    node("span", { class: "g-classify-whisker", "aria-hidden": "true" }, reach, dot),
  );
};

// Why probabilities are calibrated or not, { badge, reason }. calibration: { labels, known, covered, kind, before,
// after }; classes: how many there are.
export const calibrationText = ({ labels, known, covered, kind, before, after }, classes) => {
  const errors = () =>
    _("On held-out labels the calibration error was {before} before and {after} after.", {
      before: percent(before),
      after: percent(after),
    });
  if (labels > 0 && covered < classes) {
    const of = _("{covered} of the {classes} classes", { covered, classes: count(classes) });
    const reason = _(
      "Fitted on labels of {of}; how often labels of the other classes are right was not checked. {errors}",
      { of, errors: errors() },
    );
    return { badge: _("calibrated on {labels} labels of {of}", { labels: count(labels), of }), reason };
  }
  if (labels > 0) {
    const reason =
      after > before
        ? _("Calibration did not help: {errors} With more labels it may; calibrate again under Review.", {
            errors: errors(),
          })
        : _("Calibrated: of the images with a probability of 80 %, about four fifths are right. {errors}", {
            errors: errors(),
          });
    return { badge: _("calibrated on {labels} labels", { labels: count(labels) }), reason };
  }
  const uncalibrated = _("Probabilities say how confident the encoder is, not how often it is right");
  if (kind !== "calibrated") return { badge: _("not calibrated"), reason: `${uncalibrated}.` };
  const notYet = _("not calibrated");
  if (known >= LEAST_LABELS) {
    const enough = _("{known} images have a label of these classes now, which is enough: calibrate under Review.", {
      known: count(known),
    });
    return { badge: notYet, reason: `${uncalibrated}. ${enough}` };
  }
  const missing = known
    ? _("calibration needs {least} labels of these classes, and there are {known}", {
        least: LEAST_LABELS,
        known: count(known),
      })
    : _("there are no labels of these classes");
  return { badge: notYet, reason: `${uncalibrated}: ${missing}. ${_("Label and correct some images.")}` };
};

// known: labelled images of these classes as of now, if there are others than when probabilities were fitted.
export const badge = (calibration, classes, known = calibration.known) => {
  const { badge: text, reason } = calibrationText({ ...calibration, known }, classes);
  const helped = calibration.labels > 0 && calibration.after <= calibration.before;
  return node(
    "p",
    { class: "g-aside g-calibration" },
    node("span", { class: `g-classify-badge ${helped ? "g-classify-calibrated" : ""}`, text }),
    node("span", { text: reason }),
  );
};
