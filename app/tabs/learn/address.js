// What the address of the page says of the lessons: ?tab=learn&lesson=views&set=crop=0.3&image=ID

export function parseAddress(search) {
  const params = new URLSearchParams(search);
  const settings = {};
  for (const one of params.getAll("set")) {
    const [name, ...value] = one.split("=");
    settings[name] = value.join("=");
  }
  return { lesson: params.get("lesson") || "", settings, image: params.get("image") || "" };
}

// The parts of the address. Settings that have their default are left out.
export function addressParts(lesson, settings, image) {
  const changed = lesson.controls.filter(({ name, default: usual }) => String(settings[name]) !== String(usual));
  return { lesson: lesson.name, set: changed.map(({ name }) => `${name}=${settings[name]}`), image: image?.id ?? null };
}

// The settings of a lesson: those of the address where they can be, else the defaults.
export function settingsOf(lesson, given) {
  const entry = ({ name, default: usual, options, low, high }) => {
    const value = given[name];
    if (value === undefined) return [name, usual];
    if (options.length) return [name, options.includes(value) ? value : usual];
    return [name, Number(value) >= low && Number(value) <= high ? Number(value) : usual];
  };
  return Object.fromEntries(lesson.controls.map(entry));
}

// The command that computes the same in a terminal.
export function commandOf(lesson, settings) {
  const { set } = addressParts(lesson, settings);
  return ["python -m training lesson", lesson.name, ...set.map((one) => `--set ${one}`)].join(" ");
}
