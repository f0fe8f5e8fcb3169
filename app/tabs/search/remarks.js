// Remarks above the results: words that the encoder did not read, an order without effect, a threshold that is off.
import { node } from "../../ui/elements/elements.js";
import { _ } from "../../ui/language/language.js";
import { collection, request } from "../../ui/session/session.js";

// A sentence about the threshold with a button, { text, label, value }: value is the threshold to ask for. Or null.
const thresholdRemark = (threshold) => {
  if (!threshold) return null;
  if (threshold.reason === "off")
    return { text: _("The relevance threshold is off. "), label: _("Show it"), value: "auto" };
  if (threshold.reason === "unmeasured") {
    const text = _("No relevance threshold is shown: its error rate was not measured for this encoder. ");
    return { text, label: _("Show it anyway"), value: "on" };
  }
  if (!threshold.shown || threshold.measured) return null;
  const text = _("The error rate of this relevance threshold was not measured for this encoder. ");
  return { text, label: _("Hide it"), value: "auto" };
};

class Remarks {
  constructor(server, setThreshold) {
    this.server = server;
    this.setThreshold = setThreshold;
    this.root = node("div", { class: "g-search-remarks", id: "remarks" });
    this.turn = 0; // answers that were overtaken are dropped
  }

  async show(threshold, query) {
    const turn = ++this.turn;
    this.draw([], thresholdRemark(threshold));
    if (query.split(/\s+/).length < 3) return;
    const answer = await request(this.server.remark, { collection: collection(), q: query });
    if (turn === this.turn && answer.remarks?.length) this.draw(answer.remarks, thresholdRemark(threshold));
  }

  draw(texts, remark) {
    this.root.replaceChildren(...texts.map((text) => node("p", { text })));
    if (!remark) return;
    const onclick = () => this.setThreshold(remark.value);
    const change = node("button", { type: "button", class: "g-clear", text: remark.label, onclick });
    this.root.append(node("p", {}, remark.text, change));
  }

  clear() {
    this.turn++;
    this.root.replaceChildren();
  }
}

// setThreshold(value) asks for another threshold.
export const remarks = (server, setThreshold) => new Remarks(server, setThreshold);
