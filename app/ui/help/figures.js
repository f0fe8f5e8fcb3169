// What the figures of the page mean, one sentence each, on demand: an (i) behind the figure opens it.
import { icon, node } from "../elements/elements.js";
import { _ } from "../language/language.js";

// Each figure's name and its sentence.
export const FIGURES = {
  score: [
    _("Score"),
    _(
      "The cosine similarity of the embeddings of query and image; normalised, 1 is the best that an unrelated text gets.",
    ),
  ],
  threshold: [
    _("Relevance threshold"),
    _(
      "Images to the right of it score higher for this query than images do for unrelated texts, and are called likely.",
    ),
  ],
  order: [
    _("Order of results"),
    _(
      "Some scores below are higher than some above: an image is likely if it lies far above its own scores for unrelated texts, or if its name, caption or tags have all words.",
    ),
  ],
  agreement: [
    _("Agreement"),
    _(
      "Rank-biased overlap with p = 0.9 over the first 100: 1 if both encoders give the same order, 0 if they share no image; similarities of two encoders cannot be compared.",
    ),
  ],
  labelled: [
    _("Encoders by labels or captions"),
    _(
      "By labels, each image searches among the others: k-NN accuracy is of the vote of the 20 nearest, recall@k whether one of the first k has its label, mAP the mean average precision of its label. By captions, recall@k is the share of captions that have their own image among the first k.",
    ),
  ],
  accuracy: [
    _("Accuracy"),
    _("The share of images with a known label whose label here is the same; 95 % intervals are Wilson’s."),
  ],
  calibration: [
    _("Calibration error"),
    _("How far probabilities lie from how often they are right, on average over images; 0 % is perfect."),
  ],
  margin: [
    _("Margin"),
    _("The probability of the label less that of the second best: where it is small, the answer was close."),
  ],
  queue: [
    _("Which images first"),
    _(
      "Those teach the most whose label is least certain: by the lead over the runner-up, by the entropy of all class probabilities, or by how far two encoders disagree (Jensen-Shannon divergence).",
    ),
  ],
  probability: [
    _("Probability"),
    _(
      "The softmax of the cosine similarities at the encoder's temperature, or one probability a class for “any of these”.",
    ),
  ],
  preserved: [
    _("Neighbours on the map"),
    _("How many of the 10 nearest images by embedding are among the 10 nearest on the map, on average over images."),
  ],
};

// The sign that opens the sentence about a figure; a press elsewhere or Escape closes it.
export const helpSign = (figure) => {
  const [name, sentence] = FIGURES[figure];
  const label = _("What is “{name}”?", { name });
  const sign = node("summary", { class: "g-help-sign", title: label, "aria-label": label }, icon("info"));
  const made = node("details", { class: "g-help" }, sign, node("p", { class: "g-help-text", text: sentence }));
  made.addEventListener("focusout", ({ relatedTarget }) => made.contains(relatedTarget) || (made.open = false));
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    event.stopPropagation();
    event.preventDefault(); // a dialog around it stays open
    made.open = false;
    sign.focus();
  });
  return made;
};
