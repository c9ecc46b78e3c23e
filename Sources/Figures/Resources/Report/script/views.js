// A run's view: its picture, and a panel for each chosen word or one for all in their colours.

const views = [];

function makeCursor() {
  return make("div", { className: "cursor", hidden: true });
}

/** A run's view; panels are made as words are chosen. */
function makeView(name) {
  const view = { name, panels: [] };
  view.title = make("h3");
  view.image = make("img", { alt: "" });
  view.boxes = makeSVG("svg", { class: "boxes", role: "img" });
  view.imageCursor = makeCursor();
  view.picture = make("figure", { className: "picture" },
    make("p", { className: "word" }, "picture"),
    make("div", { className: "frame" }, view.image, view.boxes, view.imageCursor));
  view.row = make("div", { className: "panels" }, view.picture);
  view.chart = makeSVG("svg", { role: "img" });
  view.chartTitle = make("h4");
  view.legend = make("ul", { className: "legend" });
  view.curves = make("section", { className: "curves" }, view.chartTitle, view.chart, view.legend);
  view.heads = makeHeads();
  view.article = make("article", { className: "view", id: name },
    view.title, view.row, view.curves, view.heads.box);
  listenToChart(view);
  at("views").append(view.article);
  new ResizeObserver(() => { if (view.run) renderChart(view); }).observe(view.chart);
  return view;
}

function makePanel(view) {
  const panel = { view };
  panel.word = make("p", { className: "word" });
  panel.under = make("img", { alt: "", className: "under" });
  panel.canvas = make("canvas", { tabIndex: 0, role: "application", className: "map" });
  panel.canvas.setAttribute("aria-roledescription", "attention map");
  panel.cursor = makeCursor();
  panel.gap = make("p", { className: "gap", hidden: true }, "not recorded");
  panel.frame = make("div", { className: "frame" },
    panel.under, panel.canvas, panel.cursor, panel.gap);
  panel.bar = make("canvas", { width: 256, height: 1 });
  panel.bar.setAttribute("aria-hidden", "true");
  const paint = panel.bar.getContext("2d");
  colors.forEach((color, place) => {
    paint.fillStyle = color;
    paint.fillRect(place, 0, 1, 1);
  });
  panel.ticks = [make("span"), make("span"), make("span")];
  panel.barBox = make("div", { className: "bar" }, panel.bar,
    make("div", { className: "ticks" }, ...panel.ticks));
  panel.caption = make("figcaption");
  panel.value = make("p", { className: "value" });
  panel.figure = make("figure", { className: "panel" },
    panel.word, panel.frame, panel.caption, panel.barBox, panel.value);
  listenToMap(panel);
  view.row.append(panel.figure);
  return panel;
}

// MARK: - Cells

function listenToMap(panel) {
  const point = (event) => {
    const grid = panel.maps[0]?.grid;
    if (!grid) return;
    const box = panel.canvas.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top) / box.height * grid.rows);
    const column = Math.floor((event.clientX - box.left) / box.width * grid.columns);
    const cell = [
      Math.max(0, Math.min(grid.rows - 1, row)), Math.max(0, Math.min(grid.columns - 1, column))];
    if (String(cell) !== String(state.cell)) pick(panel, cell);
  };
  panel.canvas.addEventListener("pointermove", point);
  panel.canvas.addEventListener("pointerdown", point);
  panel.canvas.addEventListener("keydown", (event) => {
    const map = panel.maps[0];
    if (!map || event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, columns } = map.grid;
    const [row, column] = state.cell ?? [0, 0];
    const cells = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [row, 0], End: [row, columns - 1], PageUp: [0, column], PageDown: [rows - 1, column],
      m: [Math.floor(map.peak / columns), map.peak % columns],
    };
    cells.M = cells.m;
    if (event.key === "Escape") return change({ cell: null });
    if (!Object.hasOwn(cells, event.key)) return;
    event.preventDefault();
    const next = event.key.startsWith("Arrow") && !state.cell ? [0, 0] : cells[event.key];
    pick(panel, [
      Math.max(0, Math.min(rows - 1, next[0])), Math.max(0, Math.min(columns - 1, next[1]))]);
  });
}

/** Puts the cell cursor; all maps have it where their grids are one. */
function pick(panel, cell) {
  const { rows } = chosenLayers(data.runs[state.run], state)[0].grid;
  if (panel.view === views[0] || panel.maps[0].grid.rows === rows) change({ cell });
}

/** Frames a cell on a map, or the same part of the picture. */
function placeCursor(cursor, grid, cell) {
  cursor.hidden = !cell;
  if (!cell) return;
  cursor.style.left = `${100 * cell[1] / grid.columns}%`;
  cursor.style.top = `${100 * cell[0] / grid.rows}%`;
  cursor.style.width = `${100 / grid.columns}%`;
  cursor.style.height = `${100 / grid.rows}%`;
}

// MARK: - Drawing

/** What a view's panels show: {tokens, maps}, a map for each token. */
function panelsOf(run) {
  const maps = state.token.map((token) => mapOf(run, state, token, state.step));
  return state.show === "colors" && state.token.length > 1
    ? [{ tokens: state.token, maps: maps.filter(Boolean), isWhole: !maps.includes(null) }]
    : state.token.map((token, place) => ({
      tokens: [token], maps: maps[place] ? [maps[place]] : [], isWhole: Boolean(maps[place]),
    }));
}

function renderView(view) {
  const { run } = view;
  view.title.replaceChildren(make("bdi", {}, run.name + (run.isComplete ? "" : " (not complete)")));
  const still = stillOf(run);
  view.picture.hidden = !still;
  if (still && view.image.src !== still.src) view.image.src = still.src;
  view.image.alt = `Picture of ${run.name}`;
  renderBoxes(view, still);
  while (view.panels.length < view.shown.length) view.panels.push(makePanel(view));
  while (view.panels.length > view.shown.length) view.panels.pop().figure.remove();
  view.panels.forEach((panel, place) => renderPanel(panel, view.shown[place], view.scales[place], still));
  const grid = view.shown[0].maps[0]?.grid;
  placeCursor(view.imageCursor, grid, grid ? cellWithin(grid) : null);
  Object.assign(view.article.dataset, {
    run: view.index, scale: view.scales[0], value: view.panels[0].figure.dataset.value,
    largest: view.panels[0].figure.dataset.largest,
  });
  renderChart(view);
  renderHeads(view);
}

/** Where a detector sees each subject in the run's own picture, with words and scores. */
function renderBoxes(view, still) {
  const boxes = still && !view.run.framePictures[state.frame] ? view.run.boxes ?? [] : [];
  view.boxes.toggleAttribute("hidden", !boxes.length);
  view.boxes.replaceChildren();
  if (!boxes.length) return;
  const [wide, high] = [100, 100 * view.run.boxedSize[1] / view.run.boxedSize[0]];
  const line = 6;
  view.boxes.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  const text = (box) => `${box.word} ${box.score}`;
  view.boxes.setAttribute("aria-label",
    boxes.map((box) => text(box) + (box.isFound ? "" : ", not found")).join("; "));
  const places = boxes.map(({ edges: [left, top, right, bottom] }) => ({
    x: left * wide, y: top * high, width: (right - left) * wide, height: (bottom - top) * high }));
  boxes.forEach((box, k) => view.boxes.append(
    makeSVG("rect", { ...places[k], class: "halo" }),
    makeSVG("rect", { ...places[k], class: box.isFound ? "" : "missing", stroke: box.color })));
  const taken = [];
  boxes.forEach((box, k) => {
    const label = makeSVG("text", { "font-size": 5, "text-anchor": "middle", fill: box.ink }, text(box));
    view.boxes.append(label);
    const width = Math.min(wide, label.getComputedTextLength() + 2);
    const x = Math.max(0, Math.min(places[k].x, wide - width));
    const tops = [places[k].y - line, places[k].y, places[k].y + places[k].height,
      ...Array.from({ length: Math.ceil(high) }, (_, top) => top)];
    const y = tops.find((y) => y >= 0 && y + line <= high && !taken.some((other) =>
      x < other.x + other.width && other.x < x + width && y < other.y + line && other.y < y + line)) ?? 0;
    taken.push({ x, y, width });
    label.setAttribute("x", x + width / 2);
    label.setAttribute("y", y + 4.6);
    label.before(makeSVG("rect", { x, y, width, height: line, class: "plate" }));
    label.previousSibling.style.fill = box.color;
  });
}

const cellWithin = (grid) =>
  (state.cell && state.cell[0] < grid.rows && state.cell[1] < grid.columns ? state.cell : null);

function renderPanel(panel, { tokens, maps, isWhole }, scale, still) {
  const { run } = panel.view;
  const isMixed = tokens.length > 1;
  panel.maps = isWhole ? maps : [];
  panel.word.replaceChildren(...tokens.flatMap((token) => {
    const swatch = make("span", { className: "swatch" });
    swatch.style.backgroundColor = wordColor(run, token);
    return [make("span", { className: "name" }, swatch, make("bdi", {}, textOf(run, token)))];
  }));
  const grid = isWhole ? maps[0].grid : chosenLayers(data.runs[state.run], state)[0].grid;
  panel.frame.style.aspectRatio = `${grid.columns} / ${grid.rows}`;
  panel.frame.classList.toggle("missing", !isWhole);
  panel.gap.hidden = isWhole;
  panel.canvas.hidden = !isWhole;
  panel.under.hidden = !still || !isWhole;
  if (still && panel.under.src !== still.src) panel.under.src = still.src;
  panel.canvas.style.opacity = state.opacity / 100;
  const isSmooth = state.look === "smooth";
  panel.canvas.classList.toggle("cells", !isSmooth);
  if (isWhole) {
    if (isMixed) {
      drawWords(panel.canvas, maps, scale, tokens.map((token) => rgb(wordColor(run, token))), isSmooth);
    } else if (isSmooth) {
      drawSmooth(panel.canvas, maps[0], scale);
    } else {
      drawCells(panel.canvas, maps[0], scale);
    }
  }
  panel.bar.hidden = isMixed;
  [0, scale / 2, scale].forEach((value, place) => {
    panel.ticks[place].textContent = isWhole || state.lock ? digits(value) : "–";
  });
  if (isMixed) {
    panel.ticks[0].textContent = `clear: 0, full colour: ${digits(scale)}`;
    panel.ticks[1].textContent = panel.ticks[2].textContent = "";
  }
  renderReadout(panel, tokens, grid);
}

function renderReadout(panel, tokens, grid) {
  const { run } = panel.view;
  const about = panel.figure.dataset;
  about.tokens = tokens.join(",");
  const named = (text, place) =>
    (tokens.length > 1 ? `${textOf(run, tokens[place])} ${text}` : text);
  if (!panel.maps.length) {
    panel.caption.textContent = "This run has no recording of this selection.";
    panel.value.textContent = state.cell ? "not recorded" : "";
    [about.value, about.largest] = ["", ""];
    placeCursor(panel.cursor, grid, null);
  } else {
    panel.caption.textContent = panel.maps.map((map, place) => {
      const [row, column] = [Math.floor(map.peak / grid.columns), map.peak % grid.columns];
      return named(`peak ${short(map.values[map.peak])} at row ${row}, column ${column}`, place);
    }).join("; ");
    const cell = cellWithin(grid);
    const values = cell ? panel.maps.map((map) => map.values[cell[0] * grid.columns + cell[1]]) : [];
    panel.value.textContent = cell
      ? `row ${cell[0]}, column ${cell[1]}: ${values.map((value, place) => named(digits(value), place)).join(", ")}`
      : "";
    const first = panel.maps[0];
    [about.value, about.largest] = [values[0] ?? "", first.values[first.peak]];
    placeCursor(panel.cursor, grid, cell);
  }
  panel.canvas.setAttribute("aria-label",
    `Attention to ${tokens.map((token) => textOf(run, token)).join(", ")}, ${run.name}, `
    + `${at("step-text").textContent}, ${grid.rows} rows by ${grid.columns} columns; `
    + `${panel.caption.textContent}. Arrow keys move the cell, M moves to the peak.`);
}
