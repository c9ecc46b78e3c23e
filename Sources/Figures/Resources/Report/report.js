"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const svgSpace = "http://www.w3.org/2000/svg";
  const light = {
    lines: ["#0b57d0", "#b3261e", "#1b7f3b", "#7b3fa0", "#8a5a00"],
    ink: "#1b1d21", soft: "#565b63", rule: "#c3c7ce", paper: "#ffffff",
  };
  const dark = {
    lines: ["#8ab4f8", "#f28b82", "#81c995", "#c58af9", "#fdd663"],
    ink: "#e9eaec", soft: "#b1b6be", rule: "#4a505a", paper: "#15171b",
  };
  const dashes = ["", "7 3", "2 3", "9 3 2 3", "5 2"];
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const colors = data.colors.match(/.{6}/g).map((hex) => "#" + hex);

  // MARK: - Maps

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
  /** One of a layer's arrays, decoded when it is first asked for. */
  function numbers(layer, name) {
    const known = decoded.get(layer) || {};
    decoded.set(layer, known);
    if (!known[name]) known[name] = decode(layer[name]);
    return known[name];
  }

  const isLossGrid = (layer) =>
    layer.grid.rows === data.lossGrid.rows && layer.grid.columns === data.lossGrid.columns;
  const layersOf = (run, branch) => run.layers.filter((layer) => layer.branch === branch);
  const branchesOf = (run) => [...new Set(run.layers.map((layer) => layer.branch))];

  /** The layers that the state's layer stands for in a run. */
  function chosenLayers(run, state) {
    return layersOf(run, state.branch).filter((layer) =>
      state.layer === "mean" ? isLossGrid(layer) : layer.path === state.layer);
  }

  /** The steps that there are maps of for the state's head. */
  const stepsFor = (state) => (state.head === "mean" ? data.steps : data.headSteps);

  const nearest = (steps, wanted) => steps.reduce((best, step) =>
    (Math.abs(step - wanted) < Math.abs(best - wanted) ? step : best));

  /** A token's map in one layer, [row, column]; null if it was not recorded. */
  function layerMap(run, layer, state, step) {
    const size = layer.grid.rows * layer.grid.columns;
    const token = run.tokens.indexOf(state.token);
    const head = state.head === "mean" ? -1 : layer.heads.indexOf(state.head);
    if (token < 0 || (state.head !== "mean" && head < 0)) return null;
    let place;
    let name;
    if (step === "mean") {
      [name, place] = ["meanMaps", head + 1];
    } else {
      const index = stepsFor(state).indexOf(step);
      if (index < 0) return null;
      [name, place] = head < 0
        ? ["stepMaps", index] : ["headMaps", head * data.headSteps.length + index];
    }
    const start = (place * run.tokens.length + token) * size;
    const values = numbers(layer, name).subarray(start, start + size);
    return Number.isNaN(values[0]) ? null : values;
  }

  /** What a run's view shows: {grid, values}, the mean of the chosen layers; null without any. */
  function mapOf(run, state, step) {
    const layers = chosenLayers(run, state);
    const maps = layers.map((layer) => layerMap(run, layer, state, step));
    if (!maps.length || maps.includes(null)) return null;
    const values = maps[0].map((_, cell) =>
      maps.reduce((sum, map) => sum + map[cell], 0) / maps.length);
    return { grid: layers[0].grid, values };
  }

  function largest(values) {
    let place = 0;
    values.forEach((value, cell) => { if (value > values[place]) place = cell; });
    return place;
  }

  /** The largest value of a word in a run, over all that the step's slider shows. */
  function largestOverSteps(run, state) {
    const isMean = state.step === "mean";
    const key = [
      data.runs.indexOf(run), state.token, state.layer, state.head, state.branch, isMean].join(" ");
    if (!scales.has(key)) {
      scales.set(key, (isMean ? ["mean"] : stepsFor(state)).reduce((sofar, step) => {
        const map = mapOf(run, state, step);
        return map ? Math.max(sofar, map.values[largest(map.values)]) : sofar;
      }, 0));
    }
    return scales.get(key);
  }

  const scales = new Map();

  // MARK: - State

  const runName = (run) => `${run.method}, seed ${run.seed}`;

  function partner(index) {
    const seed = data.runs[index].seed;
    const other = data.runs.findIndex((run, place) => place !== index && run.seed === seed);
    return other >= 0 ? other : data.runs.length > 1 ? (index ? 0 : 1) : "none";
  }

  function initialState() {
    return {
      run: 0, compare: partner(0), token: null, step: data.steps[data.steps.length - 1],
      layer: "mean", head: "mean", branch: null, lock: true, cell: null,
    };
  }

  const whole = (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null);

  /** A state read from an address, and what of it cannot be read. */
  function readHash(hash) {
    const state = initialState();
    const notes = [];
    const readers = {
      run: whole,
      compare: (text) => (text === "none" ? text : whole(text)),
      token: whole,
      step: (text) => (text === "mean" ? text : whole(text)),
      layer: (text) => text || null,
      head: (text) => (text === "mean" ? text : whole(text)),
      branch: (text) => text || null,
      lock: (text) => (text === "1" ? true : text === "0" ? false : null),
      cell: (text) => {
        const parts = text.split(",").map(whole);
        return parts.length === 2 && !parts.includes(null) ? parts : null;
      },
    };
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
    want("run", runs[state.run], 0, `run ${state.run}`);
    const run = runs[state.run];
    if (state.compare !== "none" && (!runs[state.compare] || state.compare === state.run)) {
      notes.push(`run ${state.compare} cannot be shown beside run ${state.run}`);
      state.compare = "none";
    }
    const first = [data.firstSubjectToken, ...run.tokens.slice(1), ...run.tokens]
      .find((token) => run.tokens.includes(token));
    want("token", run.tokens.includes(state.token), first, `token ${state.token} of this run`);
    const branches = branchesOf(run);
    want("branch", branches.includes(state.branch), branches[0], `the ${state.branch} branch`);
    settleLayer(run, state, want);
    settleStep(state, notes);
    const grid = chosenLayers(run, state)[0].grid;
    if (state.cell && (state.cell[0] >= grid.rows || state.cell[1] >= grid.columns)) {
      notes.push(`cell ${state.cell.join(",")} is outside ${grid.rows}×${grid.columns}`);
      state.cell = null;
    }
  }

  function settleLayer(run, state, want) {
    const layers = layersOf(run, state.branch);
    const hasMean = layers.some(isLossGrid);
    if (state.layer === "mean" && !hasMean) state.layer = layers[0].path;
    want("layer", state.layer === "mean" || layers.some((layer) => layer.path === state.layer),
      hasMean ? "mean" : layers[0].path, `layer ${state.layer}`);
    const heads = headsOf(run, state);
    want("head", state.head === "mean" || heads.includes(state.head), "mean",
      state.layer === "mean" ? `head ${state.head} of a mean over layers` : `head ${state.head}`);
  }

  function settleStep(state, notes) {
    const steps = stepsFor(state);
    if (state.step === "mean" || steps.includes(state.step)) return;
    const what = data.steps.includes(state.step) ? `head ${state.head} at step` : "step";
    const instead = steps.length ? nearest(steps, state.step) : "mean";
    notes.push(`${what} ${state.step} is not kept here; shown is `
      + (steps.length ? `step ${instead}, the nearest` : "the mean of all steps"));
    state.step = instead;
  }

  const headsOf = (run, state) =>
    state.layer === "mean" ? [] : chosenLayers(run, state)[0]?.heads ?? [];

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

  // MARK: - Elements

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

  function setOptions(select, options, value) {
    const texts = JSON.stringify(options);
    if (select.dataset.options !== texts) {
      select.dataset.options = texts;
      select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    }
    select.value = String(value);
    select.disabled = options.length < 2;
  }

  function shortName(layer) {
    const path = layer.path.replace(/\.transformer_blocks\.0\.attn2$/, "");
    return `${path}, ${layer.grid.rows}×${layer.grid.columns}`;
  }

  function makeTokens() {
    for (const token of data.tokens) {
      const button = make("button", { type: "button", role: "radio" }, make("bdi", {}, token.text));
      button.dataset.token = token.index;
      button.setAttribute("aria-label", token.isSpecial
        ? `${token.text} token` : `${token.text}, token ${token.index}`);
      if (token.isSpecial) button.classList.add("special");
      if (token.isJoined) button.classList.add("joined");
      button.addEventListener("click", () => change({ token: token.index }));
      at("tokens").append(button);
    }
    at("tokens").addEventListener("keydown", (event) => {
      const offsets = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
      const buttons = [...at("tokens").children].filter((button) => !button.disabled);
      const here = buttons.indexOf(document.activeElement);
      let next = null;
      if (event.key in offsets) next = (here + offsets[event.key] + buttons.length) % buttons.length;
      if (event.key === "Home") next = 0;
      if (event.key === "End") next = buttons.length - 1;
      if (next === null || here < 0) return;
      event.preventDefault();
      change({ token: Number(buttons[next].dataset.token) });
      buttons[next].focus();
    });
  }

  /** One run's map, picture and curves. */
  function makeView(name) {
    const view = { name };
    view.title = make("h2");
    view.canvas = make("canvas", { tabIndex: 0, role: "application" });
    view.canvas.setAttribute("aria-roledescription", "attention map");
    view.cursor = make("div", { className: "cursor", hidden: true });
    view.gap = make("p", { className: "gap", hidden: true }, "not recorded");
    view.frame = make("div", { className: "frame" }, view.canvas, view.cursor, view.gap);
    view.bar = make("canvas", { width: 256, height: 1 });
    view.bar.setAttribute("aria-hidden", "true");
    const paint = view.bar.getContext("2d");
    colors.forEach((color, place) => {
      paint.fillStyle = color;
      paint.fillRect(place, 0, 1, 1);
    });
    view.ticks = [make("span"), make("span"), make("span")];
    view.barBox = make("div", { className: "bar" }, view.bar,
      make("div", { className: "ticks" }, ...view.ticks));
    view.value = make("p", { className: "value" });
    view.caption = make("figcaption");
    view.image = make("img", { alt: "" });
    view.imageCursor = make("div", { className: "cursor", hidden: true });
    view.picture = make("figure", { className: "picture" },
      make("div", { className: "frame" }, view.image, view.imageCursor),
      make("figcaption", {}, "picture"));
    view.chart = makeSVG("svg", { role: "img" });
    view.legend = make("ul", { className: "legend" });
    view.curves = make("div", { className: "curves" }, view.chart, view.legend);
    view.article = make("article", { className: "view", id: name },
      view.title,
      make("div", { className: "pair" },
        make("figure", {}, view.frame, view.barBox, view.value, view.caption), view.picture),
      view.curves);
    listenToMap(view);
    listenToChart(view);
    at("views").append(view.article);
    new ResizeObserver(() => { if (view.run) renderChart(view); }).observe(view.chart);
    return view;
  }

  function listenToMap(view) {
    const point = (event) => {
      const box = view.canvas.getBoundingClientRect();
      const { width, height } = view.canvas;
      const row = Math.floor((event.clientY - box.top) / box.height * height);
      const column = Math.floor((event.clientX - box.left) / box.width * width);
      const cell = [
        Math.max(0, Math.min(height - 1, row)), Math.max(0, Math.min(width - 1, column))];
      if (!view.map || String(cell) === String(state.cell)) return;
      pick(view, cell);
    };
    view.canvas.addEventListener("pointermove", point);
    view.canvas.addEventListener("pointerdown", point);
    view.canvas.addEventListener("keydown", (event) => {
      if (!view.map || event.ctrlKey || event.metaKey || event.altKey) return;
      const { rows, columns } = view.map.grid;
      const [row, column] = state.cell ?? [0, 0];
      const peak = largest(view.map.values);
      const cells = {
        ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
        ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
        Home: [row, 0], End: [row, columns - 1], PageUp: [0, column], PageDown: [rows - 1, column],
        m: [Math.floor(peak / columns), peak % columns],
      };
      cells.M = cells.m;
      if (event.key === "Escape") return change({ cell: null });
      if (!Object.hasOwn(cells, event.key)) return;
      event.preventDefault();
      const next = event.key.startsWith("Arrow") && !state.cell ? [0, 0] : cells[event.key];
      pick(view, [
        Math.max(0, Math.min(rows - 1, next[0])), Math.max(0, Math.min(columns - 1, next[1]))]);
    });
  }

  /** Puts the cell cursor; both maps have it where their grids are one. */
  function pick(view, cell) {
    const first = views[0];
    const rows = first.map ? first.map.grid.rows : chosenLayers(first.run, state)[0].grid.rows;
    if (view === first || view.map.grid.rows === rows) change({ cell });
  }

  function listenToChart(view) {
    const point = (event) => {
      if (event.type === "pointermove" && !(event.buttons & 1)) return;
      const box = view.chart.getBoundingClientRect();
      const share = (event.clientX - box.left - plot.left) / (box.width - plot.left - plot.right);
      const steps = stepsFor(state);
      const step = steps.length ? nearest(steps, share * (data.timesteps.length - 1)) : "mean";
      if (step !== state.step) change({ step });
    };
    view.chart.addEventListener("pointerdown", point);
    view.chart.addEventListener("pointermove", point);
  }

  // MARK: - Drawing

  const views = [];
  const palette = () => (darkness.matches ? dark : light);

  function render() {
    const shown = state.compare === "none" ? [state.run] : [state.run, state.compare];
    views.forEach((view, place) => {
      view.article.hidden = place >= shown.length;
      view.index = shown[place];
      view.run = data.runs[view.index];
      view.map = view.run ? mapOf(view.run, state, state.step) : null;
      view.scale = view.run ? largestOverSteps(view.run, state) : 0;
    });
    const visible = views.filter((view) => view.run);
    if (state.lock) {
      const together = Math.max(...visible.map((view) => view.scale));
      visible.forEach((view) => { view.scale = together; });
    } else {
      visible.forEach((view) => {
        view.scale = view.map ? view.map.values[largest(view.map.values)] : 0;
      });
    }
    renderControls();
    visible.forEach((view) => {
      renderMap(view);
      renderChart(view);
    });
    at("live").textContent = state.cell
      ? visible.map((view) => `${view.title.textContent}: ${view.value.textContent}`).join("; ") : "";
  }

  function renderControls() {
    const run = data.runs[state.run];
    const names = data.runs.map((run, place) => [place, runName(run)]);
    setOptions(at("run"), names, state.run);
    setOptions(at("compare"),
      [["none", "nothing"], ...names.filter(([place]) => place !== state.run)], state.compare);
    const layers = layersOf(run, state.branch);
    const together = layers.filter(isLossGrid);
    const mean = together.length
      ? [["mean", `mean of ${together.length} at ${data.lossGrid.rows}×${data.lossGrid.columns}`]] : [];
    setOptions(at("layer"),
      [...mean, ...layers.map((layer) => [layer.path, shortName(layer)])], state.layer);
    const heads = headsOf(run, state);
    setOptions(at("head"),
      [["mean", state.layer === "mean" ? "mean (pick a layer)" : "mean of all"],
        ...heads.map((head) => [head, String(head)])], state.head);
    setOptions(at("branch"), branchesOf(run).map((branch) => [branch, branch]), state.branch);
    at("lock").checked = state.lock;
    at("lock-text").textContent = state.lock
      ? "The scale runs from 0 to the largest value of this word in the runs shown, over all steps."
      : "Each scale runs from 0 to the largest value of the map shown.";
    for (const button of at("tokens").children) {
      const token = Number(button.dataset.token);
      button.disabled = !run.tokens.includes(token);
      button.setAttribute("aria-checked", String(token === state.token));
      button.tabIndex = token === state.token ? 0 : -1;
    }
    renderStep();
  }

  function renderStep() {
    const slider = at("step");
    const isMean = state.step === "mean";
    const steps = stepsFor(state);
    slider.max = String(Math.max(0, steps.length - 1));
    slider.disabled = steps.length === 0;
    at("mean").disabled = steps.length === 0;
    if (!isMean) slider.value = String(steps.indexOf(state.step));
    const text = isMean
      ? "mean of all steps"
      : `step ${state.step}, timestep ${Number(data.timesteps[state.step].toFixed(2))}`;
    at("step-text").textContent = text;
    slider.setAttribute("aria-valuetext", text);
    at("mean").setAttribute("aria-pressed", String(isMean));
  }

  const colorOf = (value, scale) =>
    colors[Math.max(0, Math.min(255, Math.floor(scale > 0 ? value / scale * 256 : 0)))];

  function wordText() {
    return data.tokens.find((token) => token.index === state.token)?.text ?? "";
  }

  function renderMap(view) {
    const { canvas, map } = view;
    view.title.textContent = runName(view.run) + (view.run.isComplete ? "" : " (not complete)");
    const grid = map ? map.grid : chosenLayers(data.runs[state.run], state)[0].grid;
    [canvas.width, canvas.height] = [grid.columns, grid.rows];
    view.frame.style.aspectRatio = `${grid.columns} / ${grid.rows}`;
    view.frame.classList.toggle("missing", !map);
    view.gap.hidden = Boolean(map);
    if (map) {
      const paint = canvas.getContext("2d");
      map.values.forEach((value, cell) => {
        paint.fillStyle = colorOf(value, view.scale);
        paint.fillRect(cell % grid.columns, Math.floor(cell / grid.columns), 1, 1);
      });
    }
    [0, view.scale / 2, view.scale].forEach((value, place) => {
      view.ticks[place].textContent = map || state.lock ? digits(value) : "–";
    });
    renderReadout(view, grid);
    const still = at(`picture-${view.index}`);
    view.picture.hidden = !still;
    if (still && view.image.src !== still.src) view.image.src = still.src;
    view.image.alt = `Picture of ${runName(view.run)}`;
  }

  function renderReadout(view, grid) {
    const { map } = view;
    const about = view.article.dataset;
    [about.run, about.scale] = [view.index, view.scale];
    if (!map) {
      view.caption.textContent = "This run has no recording of this selection.";
      view.value.textContent = state.cell ? "not recorded" : "";
      [about.value, about.largest] = ["", ""];
      placeCursors(view, grid, null);
    } else {
      const peak = largest(map.values);
      const [row, column] = [Math.floor(peak / grid.columns), peak % grid.columns];
      view.caption.textContent =
        `largest ${digits(map.values[peak])} at row ${row}, column ${column}`;
      const cell = state.cell && state.cell[0] < grid.rows && state.cell[1] < grid.columns
        ? state.cell : null;
      const value = cell ? map.values[cell[0] * grid.columns + cell[1]] : null;
      view.value.textContent = cell ? `row ${cell[0]}, column ${cell[1]}: ${digits(value)}` : "";
      [about.value, about.largest] = [value ?? "", map.values[peak]];
      placeCursors(view, grid, cell);
    }
    view.canvas.setAttribute("aria-label",
      `Attention to ${wordText()}, ${runName(view.run)}, ${at("step-text").textContent}, `
      + `${grid.rows} rows by ${grid.columns} columns; ${view.caption.textContent}. `
      + "Arrow keys move the cell, M moves to the largest value.");
  }

  /** Frames a cell on the map and the same part of the picture. */
  function placeCursors(view, grid, cell) {
    for (const cursor of [view.cursor, view.imageCursor]) {
      cursor.hidden = !cell;
      if (!cell) continue;
      cursor.style.left = `${100 * cell[1] / grid.columns}%`;
      cursor.style.top = `${100 * cell[0] / grid.rows}%`;
      cursor.style.width = `${100 / grid.columns}%`;
      cursor.style.height = `${100 / grid.rows}%`;
    }
  }

  // MARK: - Curves

  const plot = { left: 34, right: 10, top: 10, bottom: 34 };

  /** The lines of a run: each subject's largest attention, and the loss. */
  function linesOf(run, ink) {
    const lines = data.subjects.map((name, place) => ({
      name, values: run.curves.largest[place], color: ink.lines[place % ink.lines.length],
      dash: dashes[(place + Math.floor(place / ink.lines.length)) % dashes.length], width: 2.25,
    }));
    lines.push({ name: "loss", values: run.curves.loss, color: ink.soft, dash: "4 3", width: 1.5 });
    return lines;
  }

  function drawChart(parent, run, width, height, ink) {
    const lines = linesOf(run, ink);
    const top = Math.max(1, ...lines.flatMap((line) => line.values.map((value) => value ?? 0)));
    const last = Math.max(1, data.timesteps.length - 1);
    const [inner, depth] = [width - plot.left - plot.right, height - plot.top - plot.bottom];
    const x = (step) => plot.left + step / last * inner;
    const y = (value) => plot.top + (1 - value / top) * depth;
    const text = (content, fields) => parent.append(makeSVG("text",
      { "font-size": 12, "font-family": "system-ui, Liberation Sans, sans-serif", fill: ink.soft, ...fields }, content));
    for (const share of [0, 0.5, 1]) {
      parent.append(makeSVG("line", {
        x1: plot.left, x2: width - plot.right, y1: y(share * top), y2: y(share * top),
        stroke: ink.rule, "stroke-width": 1,
      }));
      text(String(Number((share * top).toPrecision(2))),
        { x: plot.left - 6, y: y(share * top) + 4, "text-anchor": "end" });
    }
    const apart = [1, 2, 5, 10, 20, 50, 100, 200].find((apart) => last / apart <= 6) ?? last;
    for (let step = 0; step <= last; step += apart) {
      text(String(step), { x: x(step), y: height - plot.bottom + 15, "text-anchor": "middle" });
    }
    text("step", { x: plot.left + inner / 2, y: height - 4, "text-anchor": "middle" });
    for (const line of lines) drawLine(parent, line, run.curves.steps, x, y);
    if (state.step === "mean") return;
    parent.append(makeSVG("line", {
      x1: x(state.step), x2: x(state.step), y1: plot.top, y2: plot.top + depth,
      stroke: ink.ink, "stroke-width": 1.5, class: "marker",
    }));
    for (const line of lines) {
      const value = line.values[run.curves.steps.indexOf(state.step)];
      if (value == null) continue;
      parent.append(makeSVG("circle", { cx: x(state.step), cy: y(value), r: 4, fill: line.color }));
    }
  }

  function drawLine(parent, line, steps, x, y) {
    let path = "";
    line.values.forEach((value, place) => {
      if (value == null) return;
      const isBegun = place > 0 && line.values[place - 1] != null;
      path += `${isBegun ? "L" : "M"}${x(steps[place]).toFixed(2)} ${y(value).toFixed(2)}`;
    });
    if (!path) return;
    parent.append(makeSVG("path", {
      d: path, fill: "none", stroke: line.color, "stroke-width": line.width,
      "stroke-linejoin": "round", "stroke-dasharray": line.dash || "none",
    }));
  }

  function renderChart(view) {
    const { run, chart } = view;
    view.curves.hidden = !run.curves.steps.length;
    if (view.curves.hidden) return;
    const [width, height] = [chart.clientWidth || 400, chart.clientHeight || 176];
    chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
    chart.replaceChildren();
    const ink = palette();
    drawChart(chart, run, width, height, ink);
    const place = run.curves.steps.indexOf(state.step);
    const items = linesOf(run, ink).map((line) => {
      const swatch = makeSVG("svg", { viewBox: "0 0 32 10", "aria-hidden": "true" });
      swatch.append(makeSVG("line", {
        x1: 0, x2: 32, y1: 5, y2: 5, stroke: line.color, "stroke-width": line.width,
        "stroke-dasharray": line.dash || "none",
      }));
      const value = line.values[place];
      return make("li", {}, swatch, make("bdi", {}, line.name),
        value == null ? "" : ` ${value.toFixed(4)}`);
    });
    view.legend.replaceChildren(...items);
    chart.setAttribute("aria-label",
      `Largest attention of ${data.subjects.join(", ")} as the loss reads it, and the loss, by step`);
  }

  // MARK: - Export

  /** Text that XML allows. */
  const clean = (text) =>
    text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd").toWellFormed();

  function shortened(text, length) {
    const letters = Array.from(clean(text).replace(/\s+/g, " "));
    return letters.length > length ? letters.slice(0, length - 1).join("") + "…" : letters.join("");
  }

  /** The view as a standalone SVG, in light colours. */
  function exportedSVG() {
    const shown = views.filter((view) => view.run);
    const [side, gap] = [320, 24];
    const width = gap + shown.length * (side + gap);
    const grids = shown.map((view) => view.map?.grid ?? data.lossGrid);
    const depth = Math.max(...grids.map((grid) => side * grid.rows / grid.columns));
    const height = 84 + depth + 56 + 176 + 30;
    const root = makeSVG("svg", { xmlns: svgSpace, viewBox: `0 0 ${width} ${height}`, width, height });
    root.append(makeSVG("title", {}, clean(`${data.prompt}: attention to ${wordText()}`)));
    root.append(makeSVG("desc", {}, clean(`Heed report ${writeHash(state)}`)));
    root.append(makeSVG("rect", { width, height, fill: light.paper }));
    const text = (parent, content, x, y, fields = {}) => parent.append(makeSVG("text", {
      x, y, "font-family": "Liberation Sans, sans-serif", "font-size": 13, fill: light.ink, ...fields,
    }, content));
    text(root, shortened(data.prompt, 42 * shown.length), gap, 26, { "font-size": 15 });
    const layer = state.layer === "mean" ? "mean of layers" : state.layer;
    text(root, shortened(`${wordText()}; ${at("step-text").textContent}; head ${state.head}; ${state.branch}`,
      50 * shown.length), gap, 44, { "font-size": 11, fill: light.soft });
    text(root, shortened(layer, 60 * shown.length), gap, 58, { "font-size": 11, fill: light.soft });
    shown.forEach((view, place) => {
      const group = makeSVG("g", { transform: `translate(${gap + place * (side + gap)} 0)` });
      text(group, clean(runName(view.run)), 0, 78);
      exportMap(group, view, grids[place], side, 84, text);
      exportBar(group, view, side, 84 + depth + 10, text);
      const chart = makeSVG("g", { transform: `translate(0 ${84 + depth + 50})` });
      if (view.run.curves.steps.length) {
        drawChart(chart, view.run, side, 176, light);
        exportLegend(chart, view.run, side, 190, text);
      }
      group.append(chart);
      root.append(group);
    });
    return new XMLSerializer().serializeToString(root);
  }

  function exportMap(parent, view, grid, side, top, text) {
    const size = side / grid.columns;
    if (!view.map) {
      parent.append(makeSVG("rect", {
        x: 0, y: top, width: side, height: size * grid.rows, fill: "#f3f4f6", stroke: light.rule,
      }));
      text(parent, "not recorded", side / 2, top + size * grid.rows / 2, { "text-anchor": "middle" });
      return;
    }
    const cells = makeSVG("g", { "shape-rendering": "crispEdges" });
    view.map.values.forEach((value, cell) => {
      cells.append(makeSVG("rect", {
        x: size * (cell % grid.columns), y: top + size * Math.floor(cell / grid.columns),
        width: size, height: size, fill: colorOf(value, view.scale),
      }));
    });
    parent.append(cells);
  }

  function exportBar(parent, view, side, top, text) {
    const bar = makeSVG("g", { "shape-rendering": "crispEdges" });
    colors.forEach((color, place) => bar.append(makeSVG("rect", {
      x: place * side / 256, y: top, width: side / 256, height: 10, fill: color,
    })));
    parent.append(bar);
    [["start", 0], ["middle", 0.5], ["end", 1]].forEach(([anchor, share]) =>
      text(parent, digits(share * view.scale), share * side, top + 24,
        { "text-anchor": anchor, "font-size": 11 }));
  }

  function exportLegend(parent, run, side, top, text) {
    const lines = linesOf(run, light);
    lines.forEach((line, place) => {
      const x = place * side / lines.length;
      parent.append(makeSVG("line", {
        x1: x, x2: x + 18, y1: top - 4, y2: top - 4, stroke: line.color,
        "stroke-width": line.width, "stroke-dasharray": line.dash || "none",
      }));
      text(parent, shortened(line.name, 14), x + 22, top, { "font-size": 11 });
    });
  }

  function download() {
    const address = URL.createObjectURL(new Blob([exportedSVG()], { type: "image/svg+xml" }));
    const word = wordText().normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").slice(0, 40);
    const link = make("a", {
      href: address, download: `heed-${word || "token"}-step-${state.step}.svg`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  async function copyLink() {
    writeAddress();
    try {
      await navigator.clipboard.writeText(location.href);
      at("note").textContent = "The link is copied.";
    } catch {
      at("note").textContent = "This browser does not let a page copy: the link is in the address bar.";
    }
  }

  // MARK: - Start

  function listen() {
    const numberOr = (word) => (value) => (value === word ? word : Number(value));
    at("run").addEventListener("change", (event) => {
      const run = Number(event.target.value);
      change({ run, compare: state.compare === run ? state.run : state.compare });
    });
    const readers = { compare: numberOr("none"), head: numberOr("mean"), layer: String, branch: String };
    for (const [name, read] of Object.entries(readers)) {
      at(name).addEventListener("change", (event) => {
        const fields = { [name]: read(event.target.value) };
        if (name === "layer") fields.cell = null;
        change(fields);
      });
    }
    at("step").addEventListener("input", (event) => change({ step: stepsFor(state)[event.target.value] }));
    at("mean").addEventListener("click", () =>
      change({ step: state.step === "mean" ? stepsFor(state)[at("step").value] : "mean" }));
    at("lock").addEventListener("change", (event) => change({ lock: event.target.checked }));
    at("export").addEventListener("click", download);
    at("copy").addEventListener("click", copyLink);
    darkness.addEventListener("change", () => render());
    addEventListener("hashchange", () => {
      const { state, notes } = readHash(location.hash);
      show(state, notes);
    });
  }

  makeTokens();
  views.push(makeView("first"), makeView("second"));
  listen();
  const read = readHash(location.hash);
  show(read.state, read.notes);
  at("app").hidden = false;
  at("sheet").hidden = true;
})();
