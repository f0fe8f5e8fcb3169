// Where an image matches: small cells drawn over it and stretched by the browser, which smooths them.
import * as g from "../ui.js";

export const drawHeatMap = (canvas, heat) => {
  const rows = heat.length, columns = heat[0].length;
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, rows);
  heat.flat().forEach((value, i) => image.data.set([245, 158, 11, Math.round(225 * value)], 4 * i));
  context.putImageData(image, 0, 0);
};

// A way to see where the image of the Classify tab matches a class: for the row that the pointer is on, or whose
// button is pressed. ask() answers { heat: one map for each name }, and is asked once.
export const whereItMatches = (ask) => {
  let maps = null, pressed = null, over = null, timer = 0, left = false;
  const canvas = g.node("canvas", { class: "g-heat", hidden: true, role: "img" });
  const show = async () => {
    const now = over || pressed;
    if (!now) return (canvas.hidden = true);
    const answer = await (maps ||= ask());
    if (left || now !== (over || pressed)) return;
    const heat = answer.heat?.[now.name];
    canvas.hidden = !heat;
    if (!heat) return now.button.setAttribute("title", answer.error || "No part of the image matches it");
    document.querySelector("#image .g-shown")?.append(canvas);
    canvas.setAttribute("aria-label", `Where the image matches ${now.name}`);
    drawHeatMap(canvas, heat);
  };
  const add = (row, name) => {
    const button = g.node("button", { type: "button", class: "g-where", title: "Where the image matches it",
      "aria-label": `Where the image matches ${name}`, "aria-pressed": "false", onclick: () => {
        const again = pressed === own;
        pressed?.button.setAttribute("aria-pressed", "false");
        pressed = again ? null : own;
        button.setAttribute("aria-pressed", !again);
        if (again) over = null;
        show();
      } }, g.icon("heat"));
    const own = { name, button };
    row.addEventListener("mouseenter", () => {
      clearTimeout(timer);
      timer = setTimeout(() => { over = own; show(); }, 200);
    });
    row.addEventListener("mouseleave", () => {
      clearTimeout(timer);
      over = null;
      show();
    });
    row.append(button);
  };
  const gone = () => {
    left = true;
    clearTimeout(timer);
    canvas.remove();
  };
  return { add, gone };
};
