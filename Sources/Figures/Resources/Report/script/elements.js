// Elements and texts.

const svgSpace = "http://www.w3.org/2000/svg";

function make(name, fields = {}, ...children) {
  const element = document.createElement(name);
  for (const [field, value] of Object.entries(fields)) {
    if (field in element) element[field] = value;
    else element.setAttribute(field, value);
  }
  element.append(...children);
  return element;
}

function makeSVG(name, fields = {}, text = null) {
  const element = document.createElementNS(svgSpace, name);
  for (const [field, value] of Object.entries(fields)) element.setAttribute(field, value);
  if (text !== null) element.textContent = text;
  return element;
}

/** A value with four digits. */
function digits(value) {
  if (value === 0) return "0";
  return Math.abs(value) < 0.001 ? value.toExponential(3) : value.toPrecision(4);
}

/** A value with three digits, as figures have it. */
function short(value) {
  if (value === 0) return "0";
  if (Math.abs(value) < 0.001) return value.toExponential(1).replace("-", "−");
  return value.toFixed(Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(value)))));
}

/** Whether a transformer of a UNet has several blocks, which a layer's name then tells. */
const isDeep = data.runs.some((run) =>
  run.layers.some((layer) => /\.transformer_blocks\.[1-9]\d*\.attn2$/.test(layer.path)));

/** A layer's name without what all have in common, and its grid. */
function shortName(layer) {
  const path = layer.path.replace(/\.transformer_blocks\.(\d+)\.attn2$/, (name, block) =>
    (/^(down_blocks|mid_block|up_blocks)\./.test(layer.path) ? (isDeep ? `.${block}` : "") : name));
  return `${path}, ${layer.grid.rows}×${layer.grid.columns}`;
}

/** The tokens of the text that the branch shown reads: of the prompt, or of the negative prompt. */
const tokensOf = (run) => promptOf(run).tokens[state.branch] ?? [];
const tokenOf = (run, index) => tokensOf(run).find((token) => token.index === index);
/** A token's text; where several text encoders read the prompt, with the one that it is of. */
function textOf(run, index) {
  const token = tokenOf(run, index);
  if (!token) return "";
  return token.encoder ? `${token.text} (${token.encoder})` : token.text;
}
/** The chosen words, as in “cat”, “frog”. */
const chosenText = (run) => state.token.map((token) => `“${textOf(run, token)}”`).join(", ");

/** The colour of a word: a subject has that of its place, another word the next that is free among
    those that are chosen. */
function wordColor(run, token) {
  const subjects = state.branch === "unconditional" ? [] : promptOf(run).subjects;
  const subject = subjects.findIndex((word) => word.tokens.includes(token));
  if (subject >= 0) return data.words[subject % mostWords];
  const others = state.token.filter((one) => !subjects.some((word) => word.tokens.includes(one)));
  return data.words[(subjects.length + Math.max(0, others.indexOf(token))) % mostWords];
}

const hasSeveralPrompts = new Set(data.prompts.map((prompt) => prompt.text)).size > 1;
/** A run's whole name in a menu: with its prompt where there are several. */
const menuName = (run) => (hasSeveralPrompts ? `${promptOf(run).text} – ${run.name}` : run.name);

function stepText() {
  if (state.step === "mean") return "mean of all steps";
  const timestep = promptOf(data.runs[state.run]).timesteps[state.step];
  return `step ${state.step}, timestep ${Number(timestep.toFixed(2))}`;
}

/** Which frame of a video is shown; null for a picture. */
function frameText(run) {
  if (run.frames === 1) return null;
  return state.frame === "mean" ? `mean of ${run.frames} frames` : `frame ${state.frame}`;
}

/** The picture below maps: of the frame where there is one, else the run's; null without any. */
function stillOf(run) {
  const picture = run.framePictures[state.frame];
  return picture ? { src: picture } : at(`picture-${data.runs.indexOf(run)}`);
}

function layerText(run) {
  const layers = chosenLayers(run, state);
  if (!layers.length) return "no layer";
  return state.layer === "mean"
    ? `mean of ${layers.length} ${layers.length === 1 ? "layer" : "layers"} at ${run.lossGrid.rows}×${run.lossGrid.columns}`
    : shortName(layers[0]);
}

function headText(run) {
  if (state.head !== "mean") return `head ${state.head}`;
  const counts = new Set(chosenLayers(run, state).map((layer) => layer.heads.length));
  if (counts.has(0)) return "mean of all heads, as recorded";
  return counts.size === 1 ? `mean of ${[...counts][0]} heads` : "mean of all heads";
}
