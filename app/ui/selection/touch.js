// Choosing with a finger: a long touch chooses an image, and as long as some are chosen a tap chooses further ones.

const LONG = 450; // milliseconds, a little less than the browser's own long touch
const STILL = 10; // pixels that a finger may move meanwhile

// toggle(id, place) chooses an image of the grid or gives it up; choosing() tells whether some are chosen.
export const chooseByTouch = (grid, toggle, choosing) => {
  let touch = null; // { id, at, x, y, timer, long } of the finger that was last down; null for a mouse
  const cardOf = (element) => element.closest(".g-grid-frame")?.closest(".g-grid-card")?.dataset ?? {};
  const end = () => touch && clearTimeout(touch.timer);
  const chooseFirst = () => {
    end();
    if (touch.long || choosing()) return;
    touch.long = true;
    toggle(touch.id, touch.at);
    navigator.vibrate?.(10);
  };
  grid.addEventListener("pointerdown", (event) => {
    end();
    const { id, index } = event.pointerType === "touch" ? cardOf(event.target) : {};
    touch = id ? { id, at: Number(index), x: event.clientX, y: event.clientY, long: false } : null;
    if (touch) touch.timer = setTimeout(chooseFirst, LONG);
  });
  grid.addEventListener("pointermove", (event) => {
    if (touch && Math.hypot(event.clientX - touch.x, event.clientY - touch.y) > STILL) end();
  });
  grid.addEventListener("pointerup", end);
  grid.addEventListener("pointercancel", end);
  // The browser's long touch, which may come first on a busy machine, opens no menu.
  grid.addEventListener("contextmenu", (event) => {
    if (!touch) return;
    event.preventDefault();
    chooseFirst();
  });
  // A long touch is no click.
  grid.addEventListener(
    "click",
    (event) => {
      if (!touch || (!touch.long && !choosing())) return;
      event.preventDefault();
      event.stopPropagation();
      if (!touch.long) toggle(touch.id, touch.at);
      touch = null;
    },
    true,
  );
};
