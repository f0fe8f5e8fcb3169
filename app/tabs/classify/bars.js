// The probabilities of one image as bars, and what each prompt template does to them.
import { apiCommand, commandButton } from "../../ui/command/command.js";
import { node, notice } from "../../ui/elements/elements.js";
import { percent, score } from "../../ui/format/format.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { onState, request, session } from "../../ui/session/session.js";
import { classHeatMaps } from "./class_heat_map.js";
import { badge, empty, nameOf, points, row, table } from "./parts.js";
import { verdict } from "./verdict.js";

const MOST = 24; // bars
const FEW_TEMPLATES = 10; // whose effects are shown without a click

const emptyBars = () => {
  const encoder = session.state?.encoder;
  if (encoder?.readsText === false) {
    return notice(
      _("{name} has no text encoder and sees images only. Choose a collection of another encoder above.", {
        name: encoder.name,
      }),
    );
  }
  const text = _(
    "Choose an image and write the classes it may belong to. Each gets a bar here, and together they make 100 %.",
  );
  return empty(_("What is in the image?"), text);
};

const templateTable = ({ bars, templates }) => {
  const [first] = bars;
  const line = (effect) =>
    node(
      "tr",
      {},
      node("th", { scope: "row", text: effect.template }),
      node(
        "td",
        { title: effect.agrees ? "" : _("Alone it says {first}", { first: effect.first }) },
        percent(effect.probability),
        !effect.agrees && node("em", { text: _(" says {first}", { first: effect.first }) }),
      ),
      node("td", { text: effect.without === null ? "–" : points(effect.without - first.probability) }),
    );
  const columns = [_("prompt template"), _("alone, for {first}", { first: nameOf(first) }), _("without it")];
  return node(
    "details",
    { class: "g-classify-templates", id: "template-effects", open: templates.length < FEW_TEMPLATES },
    node("summary", { text: _("Effect of each of the {templates} prompt templates", { templates: templates.length }) }),
    table({}, columns, templates.map(line)),
  );
};

class Bars {
  constructor(element, props, server, watch) {
    this.root = element.querySelector(".g-classify-bars");
    this.props = props;
    this.server = server;
    this.heatMaps = null;
    this.drawn = ""; // what the last drawing showed
    watch("value", () => this.draw());
    onState(() => props.value?.bars || props.value?.error || this.draw());
    this.draw();
  }

  draw() {
    document.getElementById("bars")?.removeAttribute("aria-busy");
    const answer = this.props.value;
    const now = JSON.stringify({ ...answer, turn: 0, readsText: session.state?.encoder?.readsText });
    if (now === this.drawn) return; // the same again: what has the focus stays
    this.drawn = now;
    this.heatMaps?.remove();
    if (answer?.error) this.root.replaceChildren(notice(answer.error));
    else if (answer?.bars) this.root.replaceChildren(...this.results(answer).filter(Boolean));
    else this.root.replaceChildren(emptyBars());
  }

  results(answer) {
    const { title, detail } = verdict(answer);
    const shown = answer.bars.slice(0, MOST);
    const names = shown.map((bar) => bar.name);
    this.heatMaps = classHeatMaps(() => request(this.server.heat_maps, { ...answer.request, names }));
    const more = answer.bars.length - shown.length;
    return [
      node("h2", { text: title, id: "verdict" }),
      node("p", { class: "g-classify-verdict", text: detail }),
      answer.understood && node("p", { class: "g-aside", text: answer.understood }),
      node(
        "div",
        { class: `g-classify-probabilities ${answer.independent ? "g-each" : ""}` },
        ...shown.map((bar, i) => this.bar(bar, answer.independent ? bar.probability > 0.5 : i === 0)),
      ),
      more > 0 && node("p", { class: "g-aside", text: _("and {more} more, each less likely", { more }) }),
      badge(answer.calibration, answer.bars.filter((bar) => !bar.none).length),
      answer.templates.length > 0 && templateTable(answer),
      node("p", { class: "g-aside" }, _("By {encoder}.", { encoder: answer.encoder }), " ", helpSign("probability")),
      answer.call && commandButton("copy-classify-command", () => apiCommand("classify", answer.call)),
    ];
  }

  bar(bar, strong) {
    const made = row(nameOf(bar), bar.probability, percent(bar.probability), strong ? "g-first" : "");
    made.append(node("span", { class: "g-classify-cosine", text: score(bar.cosine), title: _("cosine similarity") }));
    if (!bar.none) this.heatMaps.add(made, bar.name);
    return made;
  }
}

export const bars = (element, props, server, watch) => new Bars(element, props, server, watch);
