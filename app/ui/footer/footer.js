// What stands round the results: what an answer does not say by itself, and whose encoder and images these are.
import * as g from "../ui.js";

const COMMAND = "python app.py --encoder ViT-B-32/laion2b_s34b_b79k";

// Words that were not read, an order that makes no difference, no line. wish(line) asks for another line.
export const remarks = (server, wish) => {
  const root = g.node("div", { class: "g-remarks", id: "remarks" });
  let turn = 0;
  const show = async (line, q) => {
    const mine = ++turn;
    const told = [];
    if (line?.why === "off") told.push(["The relevance line is off. ", "Show it", null]);
    else if (line && !line.why && !line.shown)
      told.push(["No relevance line: how often it is right was not measured for this encoder. ", "Show it anyway", "on"]);
    else if (line?.shown && !line.measured)
      told.push(["How often this relevance line is right was not measured for this encoder. ", "Hide it", null]);
    const draw = (texts) => root.replaceChildren(
      ...texts.map((text) => g.node("p", { text })),
      ...told.map(([text, label, next]) => g.node("p", {}, text, g.node("button", {
        type: "button", class: "g-clear", text: label, onclick: () => wish(next) }))));
    draw([]);
    if (q.split(/\s+/).length < 3) return;
    const answer = await g.request(server.remark, { collection: g.collection(), q });
    if (mine === turn && answer.remarks?.length) draw(answer.remarks);
  };
  const clear = () => {
    turn++;
    root.replaceChildren();
  };
  return { root, show, clear };
};

export const foot = (server) => {
  const root = g.node("div", { class: "g-foot", id: "foot" });
  let drawn = "";
  const show = async (state) => {
    const now = `${state.collection} ${state.encoder?.name} ${state.job?.state} ${state.searchable > 0}`;
    if (drawn === now) return;
    drawn = now;
    const parts = [];
    if (state.encoder?.name === "starter") {
      const copy = g.button("copy", "Copy", () => g.copy(COMMAND, copy), { class: "g-button g-small", "aria-label": "Copy the command" });
      parts.push(g.node("p", { id: "starter-note" }, g.node("b", { text: "starter" }),
        " is a small encoder in the spirit of DeViSE, brought up to date; it is not CLIP, and will often be wrong. For a real one: ",
        g.node("code", { text: COMMAND }), " ", copy));
    }
    if (state.columns?.includes("attribution")) {
      const { credits = [] } = await g.request(server.credits, { collection: state.collection });
      if (credits.length) {
        parts.push(g.node("details", { id: "credits" },
          g.node("summary", {}, "Images by ", credits[0].by, credits.length > 1 ? ` and ${credits.length - 1} others` : ""),
          g.node("ul", {}, ...credits.map((c) => g.node("li", { text: `${c.by}: ${g.images(c.images)}` })))));
      }
    }
    root.replaceChildren(...parts);
  };
  return { root, show };
};
