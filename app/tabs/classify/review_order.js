// Which images are reviewed first: by margin, entropy, disagreement with another encoder, or at random.
import { node } from "../../ui/elements/elements.js";
import { helpSign } from "../../ui/help/figures.js";
import { _ } from "../../ui/language/language.js";
import { request } from "../../ui/session/session.js";

const ORDERS = [
  ["margin", _("Smallest margin")],
  ["entropy", _("Highest entropy")],
  ["random", _("At random")],
];

// choose(fields) takes the fields of a request: order, and for a disagreement the collection of the second encoder.
export const reviewOrder = (server, job, choose) => {
  const option = ([value, text]) => node("option", { value, text });
  const select = node(
    "select",
    {
      class: "g-button",
      id: "review-order",
      "aria-label": _("Which images first"),
      onchange: () => {
        const [order, second] = JSON.parse(select.value);
        choose({ order, second });
      },
    },
    ...ORDERS.map(([value, text]) => option([JSON.stringify([value]), text])),
  );
  const addEncoders = async () => {
    const { encoders = [] } = await request(server.committee, { job });
    const made = encoders.map(({ key, name }) =>
      option([JSON.stringify(["disagreement", key]), _("Disagreement with {name}", { name })]),
    );
    select.lastElementChild.before(...made);
  };
  addEncoders();
  const label = node("label", {}, node("span", { text: _("First") }), " ", select);
  return node("div", { class: "g-classify-order" }, label, helpSign("queue"));
};
