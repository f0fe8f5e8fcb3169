// A browser opens six connections to a server. Thumbnails that are still loading would keep a new search waiting.

export const holdImages = (grid) =>
  grid.querySelectorAll("img[src]").forEach((image) => {
    if (image.complete) return;
    image.dataset.src = image.getAttribute("src");
    image.removeAttribute("src");
  });

export const fetchImages = (grid) =>
  grid.querySelectorAll("img[data-src]").forEach((image) => {
    image.src = image.dataset.src;
    delete image.dataset.src;
  });
