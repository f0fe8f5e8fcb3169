// Choosing with a finger: a long touch chooses an image, and as long as some are chosen a tap chooses further ones.

const LONG = 450; // milliseconds, a little less than the browser's own long touch
const STILL = 10; // pixels that a finger may move meanwhile

// toggle(id) chooses an image of the grid or gives it up; choosing() tells whether some are chosen.
export const chooseByTouch = (grid, toggle, choosing) => {
  let touch = null; // { id, x, y, timer, long } of the finger that was last down; null for a mouse
  const idOf = (element) => element.closest(".g-grid-frame")?.closest(".g-grid-card")?.dataset.id;
  const end = () => touch && clearTimeout(touch.timer);
  const chooseFirst = () => {
    end();
    if (touch.long || choosing()) return;
    touch.long = true;
    toggle(touch.id);
    navigator.vibrate?.(10);
  };
  grid.addEventListener("pointerdown", (event) => {
    end();
    const id = event.pointerType === "touch" ? idOf(event.target) : undefined;
    touch = id ? { id, x: event.clientX, y: event.clientY, long: false } : null;
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
      if (!touch.long) toggle(touch.id);
      touch = null;
    },
    true,
  );
};
