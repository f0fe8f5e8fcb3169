// What the address of the page says of the comparison.

export const PARTS = ["a", "b", "q", "like"]; // two collections, a text or the id of an image

export function parseAddress(search) {
  const params = new URLSearchParams(search);
  const change = { q: params.get("q") || "", like: params.get("like") || "" };
  for (const side of ["a", "b"]) if (params.get(side)) change[side] = params.get(side);
  return change;
}

// Whether two collections hold some of the same images, by those that are offered as queries.
export const shareImages = (one, other) =>
  one.samples.some(({ id }) => other.samples.some((sample) => sample.id === id));

// Which collection is compared with which: the wanted ones, else the open one and one of the same images by another
// encoder. collections: { key, encoder, samples } of each; open: the key of the open one.
export function chooseSides(collections, { a, b }, open) {
  const known = (key) => collections.some((one) => one.key === key);
  const left = [a, open].find(known) ?? collections[0].key;
  if (known(b) && b !== left) return { a: left, b };
  const first = collections.find((one) => one.key === left);
  const others = collections.filter((one) => one.key !== left);
  const sameImages = others.filter((one) => shareImages(first, one));
  const otherEncoder = sameImages.find((one) => one.encoder !== first.encoder);
  return { a: left, b: (otherEncoder ?? sameImages[0] ?? others[0] ?? first).key };
}
