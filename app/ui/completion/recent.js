// Searches of this browser, by collection: the last ones, and those that a person has saved. They are not stored with the
// collection: others who reach it need not see what one person looked for.
const [RECENT, SAVED] = ["gelato-recent", "gelato-saved"];
const MOST = 12; // recent searches

const read = (name) => {
  try {
    return JSON.parse(localStorage.getItem(name)) || {};
  } catch {
    return {};
  }
};

const write = (name, collection, searches) =>
  localStorage.setItem(name, JSON.stringify({ ...read(name), [collection]: searches }));

const of = (name, collection) => {
  const found = read(name)[collection];
  return Array.isArray(found) ? found : [];
};

// A search: { q, filters }.
const same = (one) => (other) => JSON.stringify(one) === JSON.stringify(other);

export const recent = (collection) => of(RECENT, collection);
export const saved = (collection) => of(SAVED, collection);
export const isSaved = (collection, search) => saved(collection).some(same(search));

export const remember = (collection, search) => {
  const others = recent(collection).filter((other) => !same(search)(other));
  write(RECENT, collection, [search, ...others].slice(0, MOST));
};

export const forgetRecent = (collection) => write(RECENT, collection, []);

// Saves a search, or gives it up if it is saved.
export const toggleSaved = (collection, search) => {
  const others = saved(collection).filter((other) => !same(search)(other));
  write(SAVED, collection, isSaved(collection, search) ? others : [search, ...others]);
};
