// Follow the lecture: nine steps, each sets the page to one idea and asks one question. Gone until it is asked for.
import * as g from "../../ui/ui.js";

const TRAIN = "python -m training clip --data scenes:20000 --tower tiny --steps 600";
const STEPS = [
  ["One space", "Images and words live in one space: each image is a point, and so is a phrase. The map colours every image by how near it lies to a phrase.",
    () => g.goTo("map", { q: g.session.state?.chips?.[0] || "a dog", by: null, like: null }),
    "Why are two images that look alike not always neighbours on the map?",
    "The map presses hundreds of numbers into two. The line below it says how much of each neighbourhood survives; in the full space they may well be neighbours."
  ],
  ["The zero-shot recipe", "No class was ever trained. The names become prompts, the prompts become vectors, and the image takes the nearest.",
    "recipe",
    "What happens to the probabilities when the temperature rises?",
    "They draw together, in the limit to the same share for each. Their order never changes: it is that of the cosines."
  ],
  ["Templates", "The words around a name move its score. Each dot is one phrasing of the same label.",
    () => g.goTo("probe", { probe: "phrasing" }),
    "Why may “a photo of a dog” do better than “dog”?",
    "What an encoder has read beside images are sentences; a bare word is rare there and may mean other things. Averaging many phrasings steadies the answer."
  ],
  ["The loss", "A batch of eight images and their eight captions: every image meets every caption, and the right ones lie on the diagonal. Each row and each column is a question with eight answers.",
    "loss",
    "What is the loss of an encoder that cannot tell the eight apart?",
    "ln 8 = 2.079: each row and each column is a guess among eight. It is softmax cross-entropy with the diagonal as the label, and NT-Xent is the same equation."
  ],
  ["A bag of words?", "Shuffle the words of a caption and ask again. If the score hardly moves, the order was not read.",
    () => g.goTo("probe", { probe: "order", caption: null }),
    "Which captions can an encoder that reads no order never tell apart?",
    "All that are made of the same words: “person on horse” and “horse on person” are one to it."
  ],
  ["When are lemons purple?", "Things painted in the wrong colour. The outlined cell is the usual colour, the underlined one what the pixels say.",
    () => g.goTo("probe", { probe: "colour", paint: "wrong" }),
    "What in the image of a purple lemon pulls the answer to yellow?",
    "The lemon itself: where captions say yellow whenever there is a lemon, the object's vector holds its usual colour, whatever the pixels say."
  ],
  ["Winoground", "Two images, two captions of the same words. Both must find each other.",
    () => g.goTo("probe", { probe: "pairs", pair: "role swap", i: null }),
    "Text and image are won by chance in 1 of 4, but group in 1 of 6. Why not 1 of 16?",
    "The two are not independent. Group asks both right scores to lie above both wrong ones: of the six ways to choose the two highest of four, one is right."
  ],
  ["Without words", "The neighbours of one image, as each open encoder sees them. Image-only encoders have never read a word.",
    () => g.goTo("compare", { q: null }),
    "What makes two images neighbours for an encoder that has never read a word?",
    "What its training kept: two views of one image had to agree, so what survives crops and colour changes counts, and what they destroy does not."
  ],
  ["Train one", "Minutes on a laptop. Its curves grow under Compare while it trains.",
    () => {
      g.goTo("compare");
      setTimeout(() => document.getElementById("compare-runs")?.scrollIntoView({ block: "center" }), 600);
    },
    "The loss falls, but the neighbours get no better. What may have happened?",
    "A shortcut (colours alone may solve the task) or a collapse: that is why effective rank and neighbours stand beside the loss."
  ],
];
const KEY = "gelato-lecture";

export const lecture = (element, server) => {
  const root = element.querySelector(".g-lecture");
  const asked = new URLSearchParams(location.search).get("lecture");
  let at = asked ? Math.min(STEPS.length, Math.max(1, parseInt(asked, 10) || 1)) - 1 : parseInt(sessionStorage.getItem(
    KEY) ?? "-1", 10);
  let turn = 0,
    batch = 0;

  const keep = () => (at < 0 ? sessionStorage.removeItem(KEY) : sessionStorage.setItem(KEY, at));
  const open = (step, act = true) => {
    at = step;
    turn++;
    keep();
    draw();
    if (act && at >= 0 && typeof STEPS[at][2] === "function") STEPS[at][2]();
  };
  const draw = () => {
    root.hidden = at < 0;
    if (at < 0) return root.replaceChildren();
    const [title, text, show, question, answer] = STEPS[at];
    const figure = g.node("div", { class: "g-lecture-figure", "aria-live": "polite" });
    const copy = g.button("copy", "Copy", () => g.copy(TRAIN, copy), { class: "g-button g-small",
      "aria-label": "Copy the command" });
    root.replaceChildren(
      g.node("div", { class: "g-lecture-head" }, g.node("ol", { class: "g-lecture-steps" }, ...STEPS.map(([name], i) => g
          .node("li", {}, g.node("button", { type: "button", text: String(i + 1), title: name,
            "aria-label": `Step ${i + 1}: ${name}`, "aria-current": i === at ? "step" : null, onclick: () => open(
            i) })))),
        g.node("h2", { text: title }),
        g.node("button", { type: "button", class: "g-icon-button", id: "lecture-close", title: "Put the lecture away",
          "aria-label": "Put the lecture away", onclick: () => open(-1) }, g.icon("close"))),
      g.node("p", { text }),
      ...(at === STEPS.length - 1 ? [g.node("p", {}, g.node("code", { text: TRAIN }), " ", copy)] : []),
      figure,
      g.node("div", { class: "g-lecture-foot" }, g.node("details", { id: "lecture-question" }, g.node("summary", {
        text: question }), g.node("p", { text: answer })), at < STEPS.length - 1 && g.button(null, "Next", () => open(
        at + 1), { class: "g-button g-filled", id: "lecture-next" })));
    if (show === "recipe") drawRecipe(figure);
    if (show === "loss") drawLoss(figure);
  };
  const fetched = async (question, figure) => {
    const mine = ++turn;
    figure.setAttribute("aria-busy", "true");
    if (!figure.childElementCount) figure.replaceChildren(g.node("p", { class: "g-aside", text: "Being worked out" }));
    const answer = await g.request(question, { collection: g.collection(), turn: batch });
    if (mine !== turn) return null;
    figure.removeAttribute("aria-busy");
    if (answer.error) {
      figure.replaceChildren(g.notice(answer.error));
      return null;
    }
    return answer;
  };
  const again = (label, act) => g.button(null, label, () => {
    batch++;
    act();
  }, { class: "g-button g-small g-filled" });

  // ---- step 2: five boxes, every number visible
  const drawRecipe = async (figure) => {
    const answer = await fetched(server.recipe, figure);
    if (!answer) return;
    const vector = (numbers) => `[${numbers.map((x) => x.toFixed(2).replace("-", "−")).join(", ")}, …]`;
    const box = (n, title, ...parts) => g.node("section", { class: "g-recipe-box" }, g.node("h3", {}, g.node("b", {
      text: n }), ` ${title}`), ...parts);
    const probabilities = g.node("div", {});
    const native = 1 / answer.scale;
    const slider = g.node("input", { type: "range", min: "-2", max: "2", step: "0.05", value: "0",
      "aria-label": "Temperature, from a hundredth to a hundred times the encoder's own", oninput: () => soften() });
    const told = g.node("small", {});
    const soften = () => {
      const temperature = native * 10 ** Number(slider.value);
      const logits = answer.cosines.map((c) => c / temperature);
      const top = Math.max(...logits);
      const powers = logits.map((l) => Math.exp(l - top));
      const sum = powers.reduce((a, b) => a + b, 0);
      told.textContent = `temperature ${temperature < 0.01 ? temperature.toExponential(1) : temperature.toFixed(3)}`;
      probabilities.replaceChildren(...answer.labels.map((label, i) => g.node("div", { class: "g-recipe-row" }, g.node("span", {
        text: label }), g.node("span", { class: "g-row-bar" }, g.node("i", { style: {
          width: `${100 * powers[i] / sum}%` } })), g.node("b", { text: g.percent(powers[i] / sum) }))));
    };
    soften();
    figure.replaceChildren(g.node("div", { class: "g-recipe" },
      box(1, "Prompts", ...answer.prompts.map((prompt) => g.node("p", { text: prompt }))),
      box(2, `Text vectors, ${answer.dim} numbers each`, ...answer.texts.map((text) => g.node("p", { class: "g-mono",
        text: vector(text) }))),
      box(3, "Image vector", g.node("img", { src: g.media(answer.collection, answer.id), alt: "the image that is asked about" }),
        g.node("p", { class: "g-mono", text: vector(answer.image) })),
      box(4, "Cosines", ...answer.cosines.map((c, i) => g.node("p", {}, `${answer.labels[i]} `, g.node("b", {
        text: g.score(c) })))),
      box(5, "Softmax", probabilities, g.node("label", { class: "g-recipe-slider" }, slider, told))), again("Another image",
      () => drawRecipe(figure)));
  };

  // ---- step 4: the matrix of eight by eight
  let face = "cosines";
  const drawLoss = async (figure) => {
    const answer = await fetched(server.loss, figure);
    if (!answer) return;
    const FACES = { cosines: "cosines", toText: "softmax of rows", toImage: "softmax of columns" };
    const table = g.node("div", { class: "g-scroll" });
    const paint = () => {
      const values = answer[face];
      const flat = values.flat();
      const low = face === "cosines" ? Math.min(...flat) : 0,
        high = face === "cosines" ? Math.max(...flat) : 1;
      table.replaceChildren(g.node("table", { class: "g-lecture-matrix" }, g.node("thead", {}, g.node("tr", {}, g.node("td"), ...
        answer.captions.map((caption) => g.node("th", { scope: "col", title: caption }, g.node("span", {
          text: caption }))))), g.node("tbody", {}, ...values.map((row, p) => g.node("tr", {}, g.node("th", {
        scope: "row" }, g.node("img", { src: answer.images[p], alt: answer.captions[p] })), ...row.map((v, c) => g
        .node("td", { class: p === c ? "g-right" : "", style: {
            "--share": `${Math.round(6 + 66 * (v - low) / Math.max(1e-9, high - low))}%` }, title: answer.captions[c],
          text: face === "cosines" ? v.toFixed(2).replace("-", "−") : `${Math.round(100 * v)}` })))))));
      ways.querySelectorAll("button").forEach((b) => b.setAttribute("aria-pressed", String(b.dataset.face === face)));
    };
    const ways = g.node("div", { class: "g-ways", role: "group", "aria-label": "What the matrix shows" }, ...Object
      .entries(FACES).map(([name, text]) => g.node("button", { type: "button", class: "g-way", "data-face": name, text,
        onclick: () => {
          face = name;
          paint();
        } })));
    paint();
    const rows = answer.toText.filter((row, i) => row.indexOf(Math.max(...row)) === i).length;
    figure.replaceChildren(g.node("div", { class: "g-probe-row" }, ways, again("Another eight", () => drawLoss(figure))),
      table, g.node("p", { id: "lecture-loss" }, g.node("b", { text: `Loss ${answer.value.toFixed(3)}` }),
        `, chance ln 8 = ${answer.chance.toFixed(3)}, logits are cosines × ${answer.scale.toFixed(1)}. ${rows} of 8 images find their caption. ${answer.own ? "Images and captions of this collection." : "Generated scenes, since this collection has no captions."}`
        ));
  };

  g.onLecture(() => open(at < 0 ? 0 : -1, at < 0));
  draw();
  if (asked && typeof STEPS[at][2] === "function") setTimeout(() => STEPS[at][2](), 600);
  let seen = "";
  g.onState((detail) => {
    if (detail.collection === seen) return;
    const first = !seen;
    seen = detail.collection;
    if (at >= 0 && (!first || typeof STEPS[at][2] === "string")) draw();
  });
};
