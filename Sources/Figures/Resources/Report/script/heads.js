// The first chosen word in every recorded layer and head: a row for each layer, a cell for each head.

function makeHeads() {
  const heads = { cells: new Map() };
  heads.title = make("h4");
  heads.note = make("p", { className: "help" });
  heads.rows = make("div", { className: "rows" });
  heads.box = make("section", { className: "heads" }, heads.title, heads.note, heads.rows);
  return heads;
}

/** The rows: {layer, cells}, a cell {head, map} for the mean and each head, map null where there is none. */
function headRows(run, token, step) {
  return layersOf(run, state.branch).map((layer) => ({
    layer,
    cells: ["mean", ...layer.heads].map((head) => {
      const values = layerMap(run, layer, token, head, step, state.frame);
      return { head, map: values && { grid: layer.grid, values, peak: largest(values) } };
    }),
  }));
}

/** The step that the grid shows: the mean of all steps where single heads are not kept at the state's. */
const headStep = (run) =>
  (state.step === "mean" || promptOf(run).headSteps.includes(state.step) ? state.step : "mean");

/** The largest value in the grids that are on one scale. */
function headScale(runs) {
  return runs.flatMap((run) => headRows(run, state.token[0], headStep(run)))
    .flatMap((row) => row.cells).filter((cell) => cell.map)
    .reduce((scale, { map }) => Math.max(scale, map.values[map.peak]), 0);
}

function renderHeads(view) {
  const { run, heads } = view;
  const token = state.token[0];
  const layers = layersOf(run, state.branch);
  const isGrid = layers.length > 1 || layers.some((layer) => layer.heads.length > 1);
  const isReduced = layers.every((layer) => layer.heads.length === 0);
  heads.title.replaceChildren("“", make("bdi", {}, textOf(run, token)), "” by layer and head");
  heads.rows.hidden = !isGrid;
  if (!isGrid) {
    heads.note.textContent = layers.length
      ? `This run recorded ${isReduced ? "the mean of heads" : "one head"} of one layer, ${shortName(layers[0])}: there is no grid of layers and heads.`
      : "This run recorded no layer of this branch: there is no grid of layers and heads.";
    return;
  }
  const step = headStep(run);
  const rows = headRows(run, token, step);
  const scale = headScale(state.lock
    ? views.filter((view) => view.run).map((view) => view.run) : [run]);
  const shown = step === state.step
    ? stepText() : "mean of all steps, as single heads are not kept at this step";
  const what = isReduced
    ? "Every layer that was recorded, with the mean of its heads: single heads were not recorded"
    : "Every layer and head that was recorded";
  heads.note.textContent = `${what}; ${shown}; one scale, 0 to `
    + `${short(scale)}. Below each cell its peak. A cell is a button: it shows that layer and head.`;
  fillRows(heads, rows, view);
  for (const row of rows) {
    for (const { head, map } of row.cells) {
      const cell = heads.cells.get(`${row.layer.path} ${head}`);
      cell.button.disabled = !map;
      const isChosen = state.layer === row.layer.path && state.head === head;
      cell.button.setAttribute("aria-pressed", String(isChosen));
      const peak = map ? short(map.values[map.peak]) : "–";
      cell.peak.textContent = peak;
      cell.button.setAttribute("aria-label", `${shortName(row.layer)}, `
        + `${head === "mean" ? "mean of heads" : `head ${head}`}, ${map ? `peak ${peak}` : "not recorded"}`);
      if (map) drawCells(cell.canvas, map, scale);
    }
  }
}

/** Makes rows and cells anew where other layers or heads are to be shown. */
function fillRows(heads, rows, view) {
  const names = JSON.stringify(rows.map((row) => [row.layer.path, row.layer.heads]));
  if (heads.names === names) return;
  heads.names = names;
  heads.cells.clear();
  heads.rows.replaceChildren(...rows.map((row) => {
    const cells = row.cells.map(({ head }) => {
      const canvas = make("canvas");
      const peak = make("span", { className: "peak" });
      const button = make("button", { type: "button" }, canvas,
        make("span", {}, head === "mean" ? "mean" : `head ${head}`), peak);
      button.addEventListener("click", () => {
        const fields = { layer: row.layer.path, head, cell: null };
        const kept = view === views[0] ? {} : { run: view.index, compare: state.run };
        change({ ...fields, ...kept });
      });
      heads.cells.set(`${row.layer.path} ${head}`, { button, canvas, peak });
      return button;
    });
    return make("div", { className: "layer" },
      make("p", {}, shortName(row.layer)), make("div", { className: "cells" }, ...cells));
  }));
}
