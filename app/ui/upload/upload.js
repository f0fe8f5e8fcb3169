// Images come in by a button, by dropping and by pasting; each is sent once and then named by its token.

const LARGEST = 25 * 2 ** 20; // bytes

// { image: token } or { error }.
export const upload = async (file) => {
  if (file.size > LARGEST) return { error: `${file.name} is larger than 25 MB; use a smaller copy of it.` };
  try {
    const response = await fetch("images", { method: "POST", body: file });
    return await response.json();
  } catch {
    return { error: "The image could not be sent; the connection to Gelato is lost." };
  }
};

export const pasted = (event) => [...(event.clipboardData?.files || [])].find((file) => file.type.startsWith("image/"));

// Calls take(file) with what is dropped on the element.
export const droppable = (element, take) => {
  let depth = 0; // a child that is entered counts before the element that was left
  const over = (by) => {
    depth += by;
    element.classList.toggle("g-over", depth > 0);
  };
  element.addEventListener("dragenter", (event) => {
    event.preventDefault();
    over(1);
  });
  element.addEventListener("dragover", (event) => event.preventDefault());
  element.addEventListener("dragleave", () => over(-1));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    const file = event.dataTransfer.files[0];
    if (file) take(file);
  });
};
