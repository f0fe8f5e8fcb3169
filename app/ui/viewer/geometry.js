// Zooming and panning as numbers. A view is { scale, x, y }: scale 1 is the whole image in the stage, x and y are the
// pixels from the middle of the stage to the middle of the image.

const SMALL = 640; // pixels up to which a small image is enlarged
const CLOSEST = 8; // times the size in the stage that one can always zoom in to

export const WHOLE = { scale: 1, x: 0, y: 0 };

// The width and height of a whole image in a stage, both { width, height }.
export const fitted = (image, stage) => {
  const enlarged = Math.max(1, SMALL / Math.max(image.width, image.height));
  const scale = Math.min(stage.width / image.width, stage.height / image.height, enlarged);
  return { width: image.width * scale, height: image.height * scale };
};

// The largest scale: twice the pixels of the image, or CLOSEST.
export const largestScale = (image, size) => Math.max(CLOSEST, (2 * image.width) / size.width);

const limited = (value, most) => Math.min(most, Math.max(-most, value));

// A view moved so that the image covers the stage where it is larger, and is in its middle where it is smaller.
export const kept = ({ scale, x, y }, size, stage) => ({
  scale,
  x: limited(x, Math.max(0, (size.width * scale - stage.width) / 2)),
  y: limited(y, Math.max(0, (size.height * scale - stage.height) / 2)),
});

// A view zoomed by a factor; the point of the image under `at`, pixels from the middle of the stage, stays there.
export const zoomed = (view, factor, at, most) => {
  const scale = Math.min(most, Math.max(1, view.scale * factor));
  const by = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
};

// The smallest of the sides that the server makes which has as many pixels, else the largest.
export const sideFor = (pixels, sides) => sides.find((side) => side >= pixels) ?? sides.at(-1);
