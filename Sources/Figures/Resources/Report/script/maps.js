// Maps of a recording: arrays are decoded when first asked for, and averaged as the selection says.

const data = JSON.parse(document.getElementById("data").textContent);
const at = (id) => document.getElementById(id);
const colors = data.colors.match(/.{6}/g).map((hex) => "#" + hex);
const promptOf = (run) => data.prompts[run.prompt];

/** Numbers of float16, little-endian, in base64. */
function decode(base64) {
  const bytes = atob(base64);
  const numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    const bits = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent === 31
      ? (fraction ? NaN : Infinity)
      : exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    numbers[i] = bits & 0x8000 ? -size : size;
  }
  return numbers;
}

const decoded = new Map();
/** One of a layer's arrays. */
function numbers(layer, name) {
  const known = decoded.get(layer) || {};
  decoded.set(layer, known);
  if (!known[name]) known[name] = decode(layer[name]);
  return known[name];
}

const isLossGrid = (run, layer) =>
  layer.grid.rows === run.lossGrid.rows && layer.grid.columns === run.lossGrid.columns;
const layersOf = (run, branch) => run.layers.filter((layer) => layer.branch === branch);
const branchesOf = (run) => [...new Set(run.layers.map((layer) => layer.branch))];

/** The layers that the state's layer stands for in a run. */
function chosenLayers(run, state) {
  return layersOf(run, state.branch).filter((layer) =>
    state.layer === "mean" ? isLossGrid(run, layer) : layer.path === state.layer);
}

const headsOf = (run, state) =>
  state.layer === "mean" ? [] : chosenLayers(run, state)[0]?.heads ?? [];

/** The steps that there are maps of for a head, or for the mean over heads. */
const stepsFor = (run, head) => (head === "mean" ? promptOf(run).steps : promptOf(run).headSteps);

const nearest = (steps, wanted) => steps.reduce((best, step) =>
  (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best));

/** A token's map in one layer, [row, column], of a frame or the mean of all; null if it was not recorded. */
function layerMap(run, layer, token, head, step, frame) {
  const size = layer.grid.rows * layer.grid.columns;
  const place = run.tokens.indexOf(token);
  const row = head === "mean" ? -1 : layer.heads.indexOf(head);
  if (place < 0 || (head !== "mean" && row < 0)) return null;
  let slice;
  let name;
  if (step === "mean") {
    [name, slice] = ["meanMaps", row + 1];
  } else {
    const steps = stepsFor(run, head);
    const index = steps.indexOf(step);
    if (index < 0) return null;
    [name, slice] = row < 0 ? ["stepMaps", index] : ["headMaps", row * steps.length + index];
  }
  const all = numbers(layer, name);
  const picture = (frame) => {
    const start = ((slice * layer.frames + frame) * run.tokens.length + place) * size;
    return all.subarray(start, start + size);
  };
  const isOne = layer.frames === 1 || frame !== "mean";
  const values = isOne ? picture(layer.frames === 1 ? 0 : frame) : new Float32Array(size);
  if (!isOne) {
    for (let k = 0; k < layer.frames; k++) {
      const one = picture(k);
      for (let cell = 0; cell < size; cell++) values[cell] += one[cell] / layer.frames;
    }
  }
  return Number.isNaN(values[0]) ? null : values;
}

/** A token's map as the state selects it: {grid, values, peak}, the mean of the chosen layers; null
    without any. `peak` is the first cell with the largest value. */
function mapOf(run, state, token, step) {
  const layers = chosenLayers(run, state);
  const maps = layers.map((layer) => layerMap(run, layer, token, state.head, step, state.frame));
  if (!maps.length || maps.includes(null)) return null;
  const values = maps[0].map((_, cell) =>
    maps.reduce((sum, map) => sum + map[cell], 0) / maps.length);
  return { grid: layers[0].grid, values, peak: largest(values) };
}

function largest(values) {
  let place = 0;
  values.forEach((value, cell) => { if (value > values[place]) place = cell; });
  return place;
}

const peaks = new Map();
/** The peak attention of a token by step, NaN where there is no map. */
function peaksOf(run, state, token) {
  const key = [
    data.runs.indexOf(run), token, state.layer, state.head, state.branch, state.frame,
  ].join(" ");
  if (!peaks.has(key)) {
    peaks.set(key, stepsFor(run, state.head).map((step) => {
      const map = mapOf(run, state, token, step);
      return map ? map.values[map.peak] : NaN;
    }));
  }
  return peaks.get(key);
}

/** The largest value of a token in a run, over all that the sliders of steps and frames show. */
function largestOverSteps(run, state, token) {
  if (state.frame === "mean") return largestOfFrame(run, state, token);
  return Array.from({ length: run.frames }, (_, frame) =>
    largestOfFrame(run, { ...state, frame }, token)).reduce((sofar, value) => Math.max(sofar, value), 0);
}

function largestOfFrame(run, state, token) {
  if (state.step === "mean") {
    const map = mapOf(run, state, token, "mean");
    return map ? map.values[map.peak] : 0;
  }
  return peaksOf(run, state, token).reduce((sofar, value) => (value > sofar ? value : sofar), 0);
}
