// The geometry of the histogram: bars of counts over the range from low to high.

export const BAR = 4; // width of a bar with its gap
export const HEIGHT = 34;
const STEPS = 50; // the threshold moves in steps of 1/50

// Bars { x, height, middle }. Heights are square roots, so that the few that matter are seen beside the many.
export const bars = ({ counts, low, high }) => {
  const most = Math.max(...counts);
  return counts.map((count, i) => ({
    x: i * BAR,
    height: count ? Math.max(1.5, Math.sqrt(count / most) * (HEIGHT - 2)) : 0,
    middle: low + ((i + 0.5) / counts.length) * (high - low),
  }));
};

// Where a score lies, in the units of the bars.
export const position = (value, { counts, low, high }) => ((value - low) / (high - low)) * counts.length * BAR;

// The score at a share of the width, 0 to 1.
export const valueAt = (share, { low, high }) => low + share * (high - low);

// A threshold within the range, in whole steps.
export const clamped = (value, { low, high }) => Math.round(Math.min(high, Math.max(low, value)) * STEPS) / STEPS;
