// One stop of the Tab key for a whole grid: the image that had the focus last, else the first one in the window.
// Arrow keys go on from there. The buttons over the images have keys of their own and are no stops.

const frames = (grid) => [...grid.querySelectorAll(".g-grid-card button.g-grid-frame")];
const inWindow = (frame) => frame.getBoundingClientRect().bottom > 0;

export const oneTabStop = (grid) => {
  let stop = null; // the frame that Tab goes to

  const take = (frame) => {
    if (stop) stop.tabIndex = -1;
    stop = frame;
    if (stop) stop.tabIndex = 0;
  };
  const quieten = (added) => {
    if (!(added instanceof Element)) return;
    const inside = added.matches(".g-grid-card") ? "button" : ".g-grid-card button";
    added.querySelectorAll(inside).forEach((button) => button !== stop && (button.tabIndex = -1));
  };
  const observe = (changes) => {
    for (const { addedNodes } of changes) addedNodes.forEach(quieten);
    if (stop?.isConnected) return;
    const left = frames(grid);
    take(left.find(inWindow) ?? left[0] ?? null);
  };

  grid.addEventListener("focusin", ({ target }) => target.matches(".g-grid-frame") && take(target));
  new MutationObserver(observe).observe(grid, { childList: true, subtree: true });
  return grid;
};
