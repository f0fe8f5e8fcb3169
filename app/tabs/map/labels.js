// Texts on the map: where they fit without covering each other, and how they are drawn.

const LETTER = 4.4; // half the pixels that a letter of a label takes, on average
const LONGEST = 34; // letters

const halfWidth = (text) => text.length * LETTER + 8;
export const shortened = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

// The box of a label around its middle, as the placing of others needs it.
export const labelAt = (text, x, y) => ({ text, x, y, half: halfWidth(text) });

const overlap = (a, b) => Math.abs(a.x - b.x) < a.half + b.half && Math.abs(a.y - b.y) < 22;

// Labels of the largest regions that lie on the stage and cover neither each other nor the labels in `taken`.
export function placeLabels(regions, camera, taken) {
  const placed = [];
  for (const region of [...regions].sort((a, b) => b.images - a.images)) {
    if (!region.word) continue;
    const label = labelAt(region.word, ...camera.toScreen(region.x, region.y));
    const { x, y, half } = label;
    if (x < half || x > camera.width - half || y < 12 || y > camera.height - 12) continue;
    if ([...taken, ...placed].some((other) => overlap(label, other))) continue;
    placed.push(label);
  }
  return placed;
}

// Text with a halo of the page's colour, so that it can be read on any points.
export function drawLabel(context, { text, x, y }, colour, halo) {
  context.font = `700 15px "IBM Plex Sans", system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = halo;
  context.strokeText(text, x, y);
  context.fillStyle = colour;
  context.fillText(text, x, y);
}
