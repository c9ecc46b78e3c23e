// Curves over the steps: the peak attention of words, or what the loss reads of subjects.

const darkness = matchMedia("(prefers-color-scheme: dark)");
let isPrinted = false;
const light = { ink: "#1b1d21", soft: "#565b63", rule: "#c3c7ce", paper: "#ffffff" };
const dark = { ink: "#e9eaec", soft: "#b1b6be", rule: "#4a505a", paper: "#15171b" };
const inks = () => (darkness.matches && !isPrinted ? dark : light);

const plot = { left: 52, right: 10, top: 10, bottom: 34 };

/** The lines of a run: {name, steps, values, color, dash, width}. A word has its colour; the lines of the
    method that others are compared with are dashed. */
function linesOf(run, ink) {
  const dash = run.isPlain ? "6 3" : "";
  const width = run.isPlain ? 1.75 : 2.25;
  if (state.curve === "peak") {
    // A word that several text encoders read has one colour, and dots for the encoders after the first.
    return state.token.map((token, place) => {
      const color = wordColor(run, token);
      const alike = state.token.slice(0, place).filter((one) => wordColor(run, one) === color).length;
      return {
        name: textOf(run, token), steps: stepsFor(run, state.head), values: peaksOf(run, state, token),
        color, dash: alike ? `1 ${2 * alike}` : dash, width,
      };
    });
  }
  const lines = promptOf(run).subjects.map((word, place) => ({
    name: word.name, steps: run.curves.steps, values: run.curves.scores[place],
    color: data.words[place % mostWords], dash, width,
  }));
  return [...lines, {
    name: "loss", steps: run.curves.steps, values: run.curves.loss, color: ink.soft, dash: "1.5 2.5",
    width: 1.5,
  }];
}

const isNumber = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** The upper end of the chart: one for all runs shown where the scale is locked. */
function chartTop(run) {
  if (state.curve === "score") return 1;
  const runs = state.lock ? views.filter((view) => view.run).map((view) => view.run) : [run];
  const values = runs.flatMap((run) => linesOf(run, light).flatMap((line) => line.values));
  return values.filter(isNumber).reduce((top, value) => Math.max(top, value), 0) || 1;
}

function drawChart(parent, run, width, height, ink) {
  const lines = linesOf(run, ink);
  const top = Math.max(chartTop(run), ...(state.curve === "score"
    ? lines.flatMap((line) => line.values.map((value) => value ?? 0)) : []));
  const last = Math.max(1, promptOf(run).timesteps.length - 1);
  const [inner, depth] = [width - plot.left - plot.right, height - plot.top - plot.bottom];
  const x = (step) => plot.left + step / last * inner;
  const y = (value) => plot.top + (1 - value / top) * depth;
  const text = (content, fields) => parent.append(makeSVG("text",
    { "font-size": 12, "font-family": "system-ui, Liberation Sans, sans-serif", fill: ink.soft, ...fields }, content));
  for (const part of [0, 0.5, 1]) {
    parent.append(makeSVG("line", {
      x1: plot.left, x2: width - plot.right, y1: y(part * top), y2: y(part * top),
      stroke: ink.rule, "stroke-width": 1,
    }));
    text(short(Number((part * top).toPrecision(3))),
      { x: plot.left - 6, y: y(part * top) + 4, "text-anchor": "end" });
  }
  const apart = [1, 2, 5, 10, 20, 50, 100, 200].find((apart) => last / apart <= 6) ?? last;
  for (let step = 0; step <= last; step += apart) {
    text(String(step), { x: x(step), y: height - plot.bottom + 15, "text-anchor": "middle" });
  }
  text("step", { x: plot.left + inner / 2, y: height - 4, "text-anchor": "middle" });
  for (const line of lines) drawLine(parent, line, x, y);
  if (state.step === "mean") return;
  parent.append(makeSVG("line", {
    x1: x(state.step), x2: x(state.step), y1: plot.top, y2: plot.top + depth,
    stroke: ink.ink, "stroke-width": 1.5, class: "marker",
  }));
  for (const line of lines) {
    const value = line.values[line.steps.indexOf(state.step)];
    if (!isNumber(value)) continue;
    parent.append(makeSVG("circle", {
      cx: x(state.step), cy: y(value), r: 4, fill: run.isPlain ? ink.paper : line.color,
      stroke: line.color, "stroke-width": 1.5,
    }));
  }
}

function drawLine(parent, line, x, y) {
  let path = "";
  line.values.forEach((value, place) => {
    if (!isNumber(value)) return;
    const isBegun = place > 0 && isNumber(line.values[place - 1]);
    path += `${isBegun ? "L" : "M"}${x(line.steps[place]).toFixed(2)} ${y(value).toFixed(2)}`;
  });
  if (!path) return;
  parent.append(makeSVG("path", {
    d: path, fill: "none", stroke: line.color, "stroke-width": line.width,
    "stroke-linejoin": "round", "stroke-dasharray": line.dash || "none",
  }));
}

const curveTitle = () => (state.curve === "peak"
  ? "Peak attention by step" : "Excitation score and loss by step");

function renderChart(view) {
  const { run, chart } = view;
  const ink = inks();
  const lines = linesOf(run, ink);
  view.curves.hidden = !lines.some((line) => line.values.some(isNumber));
  if (view.curves.hidden) return;
  view.chartTitle.textContent = curveTitle();
  const [width, height] = [chart.clientWidth || 400, chart.clientHeight || 176];
  chart.setAttribute("viewBox", `0 0 ${width} ${height}`);
  chart.replaceChildren();
  drawChart(chart, run, width, height, ink);
  view.legend.replaceChildren(...lines.map((line) => {
    const swatch = makeSVG("svg", { viewBox: "0 0 32 10", "aria-hidden": "true" });
    swatch.append(makeSVG("line", {
      x1: 0, x2: 32, y1: 5, y2: 5, stroke: line.color, "stroke-width": line.width,
      "stroke-dasharray": line.dash || "none",
    }));
    const value = line.values[line.steps.indexOf(state.step)];
    return make("li", {}, swatch, make("bdi", {}, line.name), isNumber(value) ? ` ${digits(value)}` : "");
  }));
  chart.setAttribute("aria-label",
    `${curveTitle()}: ${lines.map((line) => line.name).join(", ")}`);
}

function listenToChart(view) {
  const point = (event) => {
    if (event.type === "pointermove" && !(event.buttons & 1)) return;
    const run = data.runs[state.run];
    const box = view.chart.getBoundingClientRect();
    const part = (event.clientX - box.left - plot.left) / (box.width - plot.left - plot.right);
    const steps = stepsFor(run, state.head);
    const step = steps.length
      ? nearest(steps, part * (promptOf(run).timesteps.length - 1)) : "mean";
    if (step !== state.step) change({ step });
  };
  view.chart.addEventListener("pointerdown", point);
  view.chart.addEventListener("pointermove", point);
}
