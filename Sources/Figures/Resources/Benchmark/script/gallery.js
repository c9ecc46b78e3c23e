// Which pictures are shown, and in which order, as a value.

const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);

/** A picture with what its row in the data stands for. */
const all = data.pictures.map(([prompt, method, seed, report, ...values], place) => {
  const [id, text, subset, ofPrompt] = data.prompts[prompt];
  const [folder, title] = data.methods[method];
  const run = `${data.runs}/${id}/${folder}/seed-${seed}/`;
  const link = report ? run + report : ofPrompt ? `${data.runs}/${id}/${ofPrompt}` : run;
  return { place, text, subset, method: folder, title, seed, values, link, source: run + data.file };
});

const unique = (name) => [...new Set(all.map((picture) => picture[name]))];
const everything = { subset: "", prompt: "", method: "", seed: "", sort: "" };

/** The choice that an address holds. */
function readHash(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(Object.keys(everything).map((name) => [name, fields.get(name) ?? ""]));
}

function writeHash(choice) {
  const fields = Object.entries(choice).filter(([, value]) => value !== "");
  return "#" + new URLSearchParams(fields).toString();
}

/** By which score pictures are sorted, and whether the least stands first; null for the suite's order. */
function order(choice) {
  const parts = /^(up|down)-(\d{1,3})$/.exec(choice.sort);
  const score = parts && Number(parts[2]);
  return parts && score < data.scores.length ? { score, isUp: parts[1] === "up" } : null;
}

/** The pictures chosen, in their order; those without the score at the end. */
function chosen(choice) {
  const words = choice.prompt.toLowerCase();
  const found = all.filter((picture) =>
    (!choice.subset || picture.subset === choice.subset)
    && (!choice.method || picture.method === choice.method)
    && (!choice.seed || picture.seed === choice.seed)
    && picture.text.toLowerCase().includes(words));
  const by = order(choice);
  if (!by) return found;
  const key = (picture) => picture.values[by.score] ?? null;
  return found.sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return (a === null) - (b === null) || one.place - other.place;
    return (by.isUp ? a - b : b - a) || one.place - other.place;
  });
}
