// What is drawn over the points: thumbnails, best matches, labels, the lasso and the keyboard's circle.
import { CLASSES, toCss } from "./colours.js";
import { median } from "./geometry.js";
import { drawLabel, labelAt, placeLabels, shortened } from "./labels.js";
import { rowsWithThumbnail } from "./thumbnails.js";

const DIAMOND = [
  [0, -9],
  [9, 0],
  [0, 9],
  [-9, 0],
];
const FULL_TURN = 2 * Math.PI;

function tracePath(context, corners) {
  context.beginPath();
  corners.forEach(([x, y], n) => (n ? context.lineTo(x, y) : context.moveTo(x, y)));
}

function strokeCircle(context, x, y, radius, colour, dash = []) {
  context.beginPath();
  context.arc(x, y, radius, 0, FULL_TURN);
  context.lineWidth = 2;
  context.strokeStyle = colour;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

// One image, cropped to a square, with rounded corners and a frame in the colour of its point.
function drawThumbnail(context, image, x, y, side, frame) {
  const crop = Math.min(image.naturalWidth, image.naturalHeight);
  const [left, top] = [x - side / 2, y - side / 2];
  context.fillStyle = frame;
  context.beginPath();
  context.roundRect(left - 2, top - 2, side + 4, side + 4, 7);
  context.fill();
  context.save();
  context.beginPath();
  context.roundRect(left, top, side, side, 5);
  context.clip();
  const [dx, dy] = [(image.naturalWidth - crop) / 2, (image.naturalHeight - crop) / 2];
  context.drawImage(image, dx, dy, crop, crop, left, top, side, side);
  context.restore();
}

function drawThumbnails(context, scene, palette) {
  const { points, camera, view, thumbnails } = scene;
  const side = camera.width < 500 ? 34 : 46;
  for (const row of rowsWithThumbnail(points, camera, view)) {
    const image = thumbnails.get(row, view.facts);
    if (!image.complete || !image.naturalWidth) continue;
    const { codes } = view.colouring;
    const frame = toCss(codes ? palette.table[codes[row]] : palette.page);
    drawThumbnail(context, image, ...camera.toScreen(...points.at(row)), side, frame);
  }
}

// Rings around the images that match a text best, and a diamond in the middle of them; returns the diamond's label.
function drawBest(context, rows, index, scene, colours) {
  const { points, camera, view } = scene;
  const { kind, classes, said } = view.colouring;
  if (kind === "scale") {
    const radius = view.showThumbnails ? 5 : 6;
    for (const row of rows) strokeCircle(context, ...camera.toScreen(...points.at(row)), radius, colours.text);
  }
  const middle = [0, 1].map((axis) => median(rows.map((row) => points.at(row)[axis])));
  const [x, y] = camera.toScreen(...middle);
  tracePath(
    context,
    DIAMOND.map(([dx, dy]) => [x + dx, y + dy]),
  );
  context.closePath();
  context.fillStyle = kind === "classes" ? CLASSES[index] : colours.accent;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = colours.page;
  context.stroke();
  return labelAt(shortened(kind === "classes" ? classes[index][0] : said), x, y - 20);
}

function drawLasso(context, corners, colour) {
  tracePath(context, corners);
  context.closePath();
  context.fillStyle = "rgb(245 158 11 / 12%)";
  context.fill();
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.strokeStyle = colour;
  context.stroke();
  context.setLineDash([]);
}

// scene: { points, camera, view, thumbnails }; colours: CSS colours { text, accent, page }; focused: by keyboard.
export function drawOverlay(context, scene, palette, colours, focused) {
  const { points, camera, view } = scene;
  context.setTransform(view.pixelRatio, 0, 0, view.pixelRatio, 0, 0);
  context.clearRect(0, 0, camera.width, camera.height);
  if (!view.facts || !points.count) return;
  if (view.showThumbnails) drawThumbnails(context, scene, palette);
  const best = view.colouring.best
    .map((rows, index) => rows.length && drawBest(context, rows, index, scene, colours))
    .filter(Boolean);
  const named = view.colouring.kind === "classes" && view.colouring.best.length > 0; // the classes are the labels
  const regions = named ? [] : placeLabels(view.regions, camera, best);
  for (const label of [...best, ...regions]) drawLabel(context, label, colours.text, colours.page);
  const outline = view.lasso || view.outline?.map(([x, y]) => camera.toScreen(x, y));
  if (outline?.length > 1) drawLasso(context, outline, colours.accent);
  if (view.hovered >= 0) strokeCircle(context, ...camera.toScreen(...points.at(view.hovered)), 7, colours.text);
  if (focused) strokeCircle(context, camera.width / 2, camera.height / 2, camera.focusRadius, colours.text, [2, 5]);
}
