// The nine steps of the lecture: what each says and asks, and what it opens or draws.
import { _ } from "../../ui/language/language.js";
import { goTo } from "../../ui/navigation/navigation.js";
import { session } from "../../ui/session/session.js";

export const TRAIN = "python -m training clip --data scenes:20000 --tower tiny --steps 600";
const SCROLL_WAIT = 600; // milliseconds until the Compare tab is drawn

function openRuns() {
  goTo("compare");
  setTimeout(() => document.getElementById("compare-runs")?.scrollIntoView({ block: "center" }), SCROLL_WAIT);
}

// open(): sets the page to the idea. figure: the name of a figure that the strip draws itself.
export const STEPS = [
  {
    title: _("One space"),
    text: _(
      "Images and texts are embedded in one space: each image is a point there, and so is each text. The map colours every image by its similarity to one text.",
    ),
    open: () => goTo("map", { q: session.state?.chips?.[0] || "a dog", by: null, like: null }),
    question: _("Why are two images that look alike not always neighbours on the map?"),
    answer: _(
      "The map projects hundreds of dimensions to two. The sentence below it says how many of the nearest neighbours remain; in the full space the two may well be neighbours.",
    ),
  },
  {
    title: _("The zero-shot recipe"),
    text: _(
      "No class was trained. The class names become prompts, the prompts become text embeddings, and the image gets the class with the nearest embedding.",
    ),
    figure: "recipe",
    question: _("What happens to the probabilities when the temperature rises?"),
    answer: _(
      "They approach each other; in the limit all are equal. Their order never changes: it is the order of the cosine similarities.",
    ),
  },
  {
    title: _("Prompt templates"),
    text: _("The template around a class name changes its score. Each dot is one template with the same label."),
    open: () => goTo("probe", { probe: "templates" }),
    question: _("Why may “a photo of a dog” do better than “dog”?"),
    answer: _(
      "The texts that an encoder was trained on are sentences; a single word is rare among them and may have several meanings. The mean over many templates, a prompt ensemble, is more stable.",
    ),
  },
  {
    title: _("The loss"),
    text: _(
      "A batch of eight images and their eight captions: every image is compared with every caption, and the matching pairs lie on the diagonal. Each row and each column is a classification with eight classes.",
    ),
    figure: "loss",
    question: _("What is the loss of an encoder that cannot tell the eight apart?"),
    answer: _(
      "ln 8 = 2.079: each row and each column is a guess among eight. The loss is softmax cross-entropy with the diagonal as the label; NT-Xent is the same equation.",
    ),
  },
  {
    title: _("A bag of words?"),
    text: _(
      "The words of a caption are shuffled and scored again. If the score hardly changes, the encoder does not use word order.",
    ),
    open: () => goTo("probe", { probe: "order", caption: null }),
    question: _("Which captions can an encoder that ignores word order never tell apart?"),
    answer: _("All that consist of the same words: “person on horse” and “horse on person” have the same embedding."),
  },
  {
    title: _("When are lemons purple?"),
    text: _(
      "Objects drawn in a wrong colour. The outlined cell is the usual colour of the object, the underlined one the colour in the image.",
    ),
    open: () => goTo("probe", { probe: "colour", paint: "wrong" }),
    question: _("What in the image of a purple lemon pulls the answer to yellow?"),
    answer: _(
      "The lemon itself: where captions say yellow whenever there is a lemon, the embedding of a lemon contains its usual colour, whatever the pixels show.",
    ),
  },
  {
    title: _("Winoground"),
    text: _(
      "Two images and two captions made of the same words. Each image must match its own caption, and each caption its own image.",
    ),
    open: () => goTo("probe", { probe: "pairs", pair: "role swap", i: null }),
    question: _(
      "By chance, the text score and the image score are right in 1 of 4 cases, but the group score in 1 of 6. Why not 1 of 16?",
    ),
    answer: _(
      "The two are not independent. The group score needs both matching scores to be higher than both others: of the six ways to choose the two highest of four, one is right.",
    ),
  },
  {
    title: _("Without text"),
    text: _(
      "The nearest neighbours of one image by each open encoder. Image-only encoders were trained without any text.",
    ),
    open: () => goTo("compare", { q: null }),
    question: _("What makes two images neighbours for an encoder that was trained without text?"),
    answer: _(
      "What its training kept: two views of one image had to get the same embedding, so what survives crops and colour changes counts, and what they remove does not.",
    ),
  },
  {
    title: _("Train one"),
    text: _("It takes minutes on a laptop. The curves of the run grow under Compare while it trains."),
    command: TRAIN,
    open: openRuns,
    question: _("The loss falls, but the neighbours get no better. What may have happened?"),
    answer: _(
      "A shortcut (colours alone may solve the task) or a collapse: that is why effective rank and k-NN accuracy stand beside the loss.",
    ),
  },
];

// The step that an address or a stored value names: 0 is the first, -1 none.
export function firstStep(parameter, stored) {
  if (!parameter) return parseInt(stored ?? "-1", 10);
  return Math.min(STEPS.length, Math.max(1, parseInt(parameter, 10) || 1)) - 1;
}
