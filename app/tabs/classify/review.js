// The review lane: one image at a time, the closest calls first; 1 to 9 correct, Enter accepts, U undoes.
import * as g from "../../ui/ui.js";
import * as classifyModule from "./classify.js";

const KEYS = 9;
let lane = null; // what the keys go to while it is on the page

document.addEventListener("keydown", (event) => {
  if (!lane || !lane.root.isConnected || g.whichTab() !== "classify") return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.closest?.("input, textarea, select, [contenteditable]")) return;
  const digit = Number(event.key);
  if (digit >= 1 && digit <= KEYS) lane.choose(digit - 1);
  else if (event.key === "Enter" && (!at.closest?.("button, a, summary") || at === lane.root)) lane.accept();
  else if (event.key.toLowerCase() === "u") lane.undo();
  else if (event.key.toLowerCase() === "s") lane.skip();
  else return;
  event.preventDefault();
});

export const review = (body, server, answerNow, renew) => {
  const root = g.node("section", { class: "g-review", id: "review", tabindex: "-1", "aria-label": "Review" });
  const stage = g.node("div", { class: "g-stage" });
  const strip = g.node("div", { class: "g-strip", "aria-hidden": "true" });
  const said = g.node("p", { class: "g-aside", role: "status", id: "review-said" });
  const teach = g.node("div", { class: "g-teach", id: "teach" });
  let queue = [],
    state = {},
    order = "close",
    skipped = new Set();

  const options = (item) => {
    const all = answerNow()
      .classes.slice()
      .sort((a, b) => a.answer - b.answer);
    if (all.length <= KEYS) return all;
    const first = [item.answer, item.second].filter((n) => n >= 0).map((n) => all[n]);
    return [...first, ...all.filter((c) => !first.includes(c))];
  };

  const load = async () => {
    root.setAttribute("aria-busy", "true");
    const heard = await g.request(server.review, { job: answerNow().job, order });
    root.removeAttribute("aria-busy");
    if (heard.error) return stage.replaceChildren(g.notice(heard.error));
    state = heard;
    queue = heard.queue.filter((item) => !skipped.has(item.id));
    show();
  };

  const show = () => {
    teaching();
    const item = queue[0];
    if (!item) {
      strip.replaceChildren();
      return stage.replaceChildren(
        g.node(
          "div",
          { class: "g-empty" },
          g.node("b", {
            text: state.left ? "You skipped the rest" : "Every image is reviewed",
          }),
          state.left
            ? g.button(null, "Look at the skipped ones", () => {
                skipped = new Set();
                load();
              })
            : "",
        ),
      );
    }
    const choices = options(item);
    const name = (n) => classifyModule.nameOf(answerNow().classes.find((c) => c.answer === n));
    const button = (c, i) =>
      g.node(
        "button",
        {
          type: "button",
          class: `g-key ${c.answer === item.answer ? "g-guess" : ""}`,
          "data-answer": c.answer,
          onclick: () => judge(c.answer),
        },
        i < KEYS && g.node("kbd", { text: i + 1 }),
        g.node("span", { text: classifyModule.nameOf(c) }),
      );
    const others = choices.slice(KEYS);
    const rest = others.length
      ? g.node(
          "select",
          { "aria-label": "Another class", onchange: (event) => judge(Number(event.target.value)) },
          g.node("option", { text: "another class …", value: "" }),
          ...others.map((c) => g.node("option", { value: c.answer, text: classifyModule.nameOf(c) })),
        )
      : "";
    const close = item.second >= 0 ? `, ${g.percent(item.margin)} ahead`.replace("%", "points") : "";
    stage.replaceChildren(
      g.node("img", { class: "g-big", src: g.media(state.collection, item.id), alt: item.name }),
      g.node(
        "div",
        { class: "g-judge" },
        g.node("h3", { id: "review-question", text: `${name(item.answer)}?` }),
        g.node("p", {
          class: "g-aside",
          text: `${g.percent(item.probability)}${
            item.second >= 0 ? `, then ${name(item.second)}` : ""
          }${answerNow().independent ? "" : close} · ${item.name}`,
        }),
        g.node(
          "div",
          { class: "g-keys", role: "group", "aria-label": "The right class" },
          ...choices.slice(0, KEYS).map(button),
          rest,
        ),
        g.node(
          "div",
          { class: "g-actions" },
          g.node(
            "button",
            { type: "button", class: "g-button g-accept", id: "accept", onclick: accept },
            g.node("kbd", { text: "Enter" }),
            g.node("span", { text: `Yes, ${name(item.answer)}` }),
          ),
          g.node(
            "button",
            { type: "button", class: "g-button", id: "skip", onclick: skip },
            g.node("kbd", { text: "S" }),
            g.node("span", { text: "Skip" }),
          ),
          g.node(
            "button",
            { type: "button", class: "g-button", id: "undo", disabled: !state.canUndo, onclick: undo },
            g.node("kbd", { text: "U" }),
            g.node("span", { text: "Undo" }),
          ),
        ),
      ),
    );
    strip.replaceChildren(
      ...queue.slice(1, 9).map((next) => g.node("img", { src: g.media(state.collection, next.id), alt: "" })),
    );
  };

  const tell = (heard) => {
    state = { ...state, ...heard };
    renew({ classes: heard.classes, corrections: heard.corrections, canUndo: heard.canUndo });
  };
  // The next image shows at once; answers are sent one after the other behind it.
  let sending = Promise.resolve();
  const send = (work) => (sending = sending.then(work));
  const judge = (answer) => {
    const item = queue[0];
    if (!item || !(answer >= 0)) return;
    queue.shift();
    if (queue.length) show();
    root.focus({ preventScroll: true });
    return send(async () => {
      const heard = await g.request(server.judged, { job: answerNow().job, id: item.id, answer });
      if (heard.error) {
        queue.unshift(item);
        show();
        return said.replaceChildren(g.notice(heard.error));
      }
      const c = answerNow().classes.find((one) => one.answer === answer);
      said.textContent = `${item.name}: ${answer === item.answer ? "accepted as" : "corrected to"} ${classifyModule.nameOf(c)}.`;
      tell(heard);
      document.getElementById("undo")?.removeAttribute("disabled");
      queue.length ? teaching() : await load();
    });
  };
  const accept = () => queue[0] && judge(queue[0].answer);
  const skip = () => {
    const item = queue.shift();
    if (!item) return;
    skipped.add(item.id);
    queue.length ? show() : load();
    root.focus({ preventScroll: true });
  };
  const undo = () =>
    send(async () => {
      if (!state.canUndo) return;
      const heard = await g.request(server.judged, { job: answerNow().job, undo: true });
      if (heard.error) return said.replaceChildren(g.notice(heard.error));
      said.textContent = "The last answer is taken back.";
      tell(heard);
      await load();
      const at = queue.findIndex((item) => item.id === heard.undone);
      if (at > 0) queue.unshift(...queue.splice(at, 1));
      show();
      root.focus({ preventScroll: true });
    });

  const teaching = () => {
    const now = answerNow();
    const { learned, corrections, sureness } = now;
    const enough = corrections >= state.needed;
    const work = async (ask, part) => {
      teach.setAttribute("aria-busy", "true");
      const heard = await g.request(part, { job: now.job, ...ask });
      teach.removeAttribute("aria-busy");
      if (heard.error) return said.replaceChildren(g.notice(heard.error));
      renew(heard);
      await load();
    };
    const right = (f) => `${Math.round(f.value * f.n)} of ${f.n} (${g.interval(f)})`;
    const notes = [];
    if (learned) {
      notes.push(
        `Of ${learned.after.n} corrections, each judged without itself, ${right(learned.before)} were right ` +
          `before and ${right(learned.after)} after: ${learned.gained} gained, ${learned.lost} lost.`,
      );
      notes.push(
        learned.helps
          ? "The labels above now use them."
          : "That does not help, so the labels stay as they were. More corrections may change it.",
      );
      const e = learned.elsewhere;
      if (e)
        notes.push(
          `Of ${g.count(e.n)} other images with a label in “${now.column}”, ` +
            `${g.percent(e.before / e.n)} were right before and ${g.percent(e.after / e.n)} after.`,
        );
      else if (order === "close")
        notes.push(
          "The closest calls are harder than the rest, so this says nothing " +
            "of the whole collection; review some images at random for that.",
        );
    }
    teach.replaceChildren(
      g.node("h3", { text: `${g.count(corrections)} ${corrections === 1 ? "image" : "images"} reviewed` }),
      now.independent
        ? g.node("p", {
            class: "g-aside",
            text: "Learning is for “one of these”: an answer here " + "says which class it is, not all that it shows.",
          })
        : g.node(
            "div",
            { class: "g-actions" },
            g.button(null, `Learn from ${g.count(corrections)}`, () => work({ on: true }, server.learning), {
              id: "learn",
              class: "g-button g-accept",
              disabled: !enough,
            }),
            learned ? g.button(null, "Forget", () => work({ on: false }, server.learning), { id: "forget" }) : "",
          ),
      !enough && !now.independent
        ? g.node("p", { class: "g-aside", text: `It takes ${state.needed}, of two classes at least.` })
        : "",
      ...notes.map((text) => g.node("p", { class: "g-learned", text })),
      now.known !== undefined && state.known >= 20 && state.known !== sureness.known
        ? g.button(null, `Calibrate on ${g.count(state.known)} labels`, () => work({}, server.calibrate), {
            id: "recalibrate",
          })
        : "",
    );
  };

  const way = (key, text) =>
    g.node("button", {
      type: "button",
      class: "g-way",
      "aria-pressed": order === key,
      text,
      onclick: (event) => {
        order = key;
        [...event.target.parentElement.children].forEach((b) => b.setAttribute("aria-pressed", b === event.target));
        skipped = new Set();
        load();
      },
    });
  root.append(
    g.node(
      "div",
      { class: "g-lane" },
      g.node(
        "div",
        { class: "g-ways", role: "group", "aria-label": "Which first" },
        way("close", "Closest calls"),
        way("any", "At random"),
      ),
      stage,
      said,
      strip,
    ),
    teach,
  );
  body.replaceChildren(root);
  lane = {
    root,
    accept,
    skip,
    undo,
    choose: (i) => queue[0] && options(queue[0])[i] && judge(options(queue[0])[i].answer),
  };
  load().then(() => root.focus({ preventScroll: true }));
};
