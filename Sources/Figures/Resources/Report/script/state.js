// What is shown, as a value; and its form in the address.

/** How many words can be shown at once: as many as there are colours. */
const mostWords = data.words.length;

/** The run to compare with: of the same prompt and seed, else of the same prompt. */
function partner(index) {
  const { prompt, seed } = data.runs[index];
  const others = data.runs.map((run, place) => place)
    .filter((place) => place !== index && data.runs[place].prompt === prompt);
  return others.find((place) => data.runs[place].seed === seed) ?? others[0] ?? "none";
}

function initialState() {
  return {
    run: data.worst.run, compare: partner(data.worst.run), token: null, show: "side",
    step: "mean", frame: "mean", layer: "mean", head: "mean", branch: null, lock: true, look: "smooth",
    opacity: 100, curve: "peak", cell: null,
  };
}

const whole = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null);
const wholes = (text) => {
  const parts = text.split(",").map(whole);
  return parts.includes(null) ? null : parts;
};
const oneOf = (...names) => (text) => (names.includes(text) ? text : null);

const readers = {
  run: whole,
  compare: (text) => (text === "none" ? text : whole(text)),
  token: (text) => {
    const tokens = wholes(text);
    return tokens && [...new Set(tokens)];
  },
  show: oneOf("side", "colors"),
  step: (text) => (text === "mean" ? text : whole(text)),
  frame: (text) => (text === "mean" ? text : whole(text)),
  layer: (text) => text || null,
  head: (text) => (text === "mean" ? text : whole(text)),
  branch: (text) => text || null,
  lock: (text) => (text === "1" ? true : text === "0" ? false : null),
  look: oneOf("smooth", "cells"),
  opacity: (text) => {
    const share = whole(text);
    return share !== null && share <= 100 ? share : null;
  },
  curve: oneOf("peak", "score"),
  cell: (text) => {
    const parts = wholes(text);
    return parts && parts.length === 2 ? parts : null;
  },
};

/** A state read from an address, and what of it cannot be read. */
function readHash(hash) {
  const state = initialState();
  const notes = [];
  for (const [name, text] of new URLSearchParams(hash.replace(/^#/, ""))) {
    const value = Object.hasOwn(readers, name) ? readers[name](text) : null;
    if (value === null) {
      notes.push(`“${name}=${text}” is not used here`);
    } else {
      state[name] = value;
      if (name === "run" && data.runs[value] && !/[#&]compare=/.test(hash)) {
        state.compare = partner(value);
      }
    }
  }
  return { state, notes };
}

function writeHash(state) {
  const fields = new URLSearchParams();
  for (const name of ["run", "compare", "token", "step", "layer", "head", "branch"]) {
    fields.set(name, state[name]);
  }
  fields.set("lock", state.lock ? "1" : "0");
  const usual = { frame: "mean", show: "side", look: "smooth", opacity: 100, curve: "peak" };
  for (const [name, value] of Object.entries(usual)) {
    if (state[name] !== value) fields.set(name, state[name]);
  }
  if (state.cell) fields.set("cell", state.cell.join(","));
  return "#" + fields.toString().replaceAll("%2C", ",");
}

/** Puts what was not recorded to the nearest that was, and says so in `notes`. */
function settle(state, notes) {
  const runs = data.runs;
  function want(name, isThere, instead, what) {
    if (isThere) return;
    if (state[name] != null) notes.push(`${what} is not recorded`);
    state[name] = instead;
  }
  want("run", runs[state.run], data.worst.run, `run ${state.run}`);
  const run = runs[state.run];
  if (state.compare !== "none"
      && (state.compare === state.run || runs[state.compare]?.prompt !== run.prompt)) {
    notes.push(`run ${state.compare} cannot be shown beside run ${state.run}`);
    state.compare = "none";
  }
  settleWords(run, state, notes);
  const branches = branchesOf(run);
  want("branch", branches.includes(state.branch), branches[0], `the ${state.branch} branch`);
  settleLayer(run, state, want);
  settleStep(run, state, notes);
  if (state.frame !== "mean" && state.frame >= run.frames) {
    notes.push(run.frames > 1 ? `frame ${state.frame} is not recorded` : "this run has no frames");
    state.frame = "mean";
  }
  const grid = chosenLayers(run, state)[0].grid;
  if (state.cell && (state.cell[0] >= grid.rows || state.cell[1] >= grid.columns)) {
    notes.push(`cell ${state.cell.join(",")} is outside ${grid.rows}×${grid.columns}`);
    state.cell = null;
  }
}

function settleWords(run, state, notes) {
  const wanted = state.token ?? [];
  const there = wanted.filter((token) => run.tokens.includes(token));
  for (const token of wanted) {
    if (!there.includes(token)) notes.push(`token ${token} of this run is not recorded`);
  }
  if (there.length > mostWords) notes.push(`at most ${mostWords} words are shown at once`);
  const usual = data.runs.indexOf(run) === data.worst.run ? data.worst.tokens : [];
  const subject = promptOf(run).subjects[0]?.tokens ?? [];
  const first = [usual, subject].map((tokens) => tokens.filter((token) => run.tokens.includes(token)))
    .find((tokens) => tokens.length) ?? [run.tokens[1] ?? run.tokens[0]];
  state.token = (there.length ? there : first).slice(0, mostWords);
}

function settleLayer(run, state, want) {
  const layers = layersOf(run, state.branch);
  const hasMean = layers.some((layer) => isLossGrid(run, layer));
  if (state.layer === "mean" && !hasMean) state.layer = layers[0].path;
  want("layer", state.layer === "mean" || layers.some((layer) => layer.path === state.layer),
    hasMean ? "mean" : layers[0].path, `layer ${state.layer}`);
  const heads = headsOf(run, state);
  want("head", state.head === "mean" || heads.includes(state.head), "mean",
    state.layer === "mean" ? `head ${state.head} of a mean over layers` : `head ${state.head}`);
}

function settleStep(run, state, notes) {
  const steps = stepsFor(run, state.head);
  if (state.step === "mean" || steps.includes(state.step)) return;
  const what = promptOf(run).steps.includes(state.step) ? `head ${state.head} at step` : "step";
  const instead = steps.length ? nearest(steps, state.step) : "mean";
  notes.push(`${what} ${state.step} is not kept here; shown is `
    + (steps.length ? `step ${instead}, the nearest` : "the mean of all steps"));
  state.step = instead;
}

let state;
let addressTimer = 0;

/** Takes a state as far as it was recorded, shows it, and puts it into the address. */
function show(next, notes = []) {
  settle(next, notes);
  state = next;
  at("note").textContent = notes.length ? notes.join("; ") + "." : "";
  render();
  document.body.dataset.state = writeHash(state);
  // Browsers refuse more than a few addresses a second.
  clearTimeout(addressTimer);
  addressTimer = setTimeout(writeAddress, 200);
}

function writeAddress() {
  clearTimeout(addressTimer);
  if (location.hash !== writeHash(state)) history.replaceState(null, "", writeHash(state));
}

function change(fields) {
  show({ ...state, ...fields });
}
