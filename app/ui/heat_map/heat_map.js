// A heat map over an image: small cells on a canvas, which the browser stretches and smooths.

const COLOUR = [245, 158, 11];
const OPAQUE = 225; // alpha of the hottest cell, 0 to 255

// RGBA bytes of a heat map: [row][column] of 0 to 1.
export const heatPixels = (heat) => heat.flat().flatMap((value) => [...COLOUR, Math.round(OPAQUE * value)]);

export const drawHeatMap = (canvas, heat) => {
  canvas.height = heat.length;
  canvas.width = heat[0].length;
  const pixels = new Uint8ClampedArray(heatPixels(heat));
  canvas.getContext("2d").putImageData(new ImageData(pixels, canvas.width, canvas.height), 0, 0);
};
