// The page as a whole: words, controls, links, and the first view.

/** Whether a click on a word adds or takes it, rather than choosing it alone. */
let takesSeveral = false;
const menus = {};

// MARK: - Words

function makeTokens(run) {
  const tokens = tokensOf(run);
  const text = `${run.prompt} ${state.branch}`;
  if (at("tokens").dataset.text === text) return;
  at("tokens").dataset.text = text;
  at("tokens").replaceChildren(...tokens.map((token, place) => {
    const swatch = make("span", { className: "swatch", hidden: true });
    const button = make("button", { type: "button" }, swatch, make("bdi", {}, token.text));
    // Where several text encoders read the prompt, the first token of each says which.
    if (token.encoder && token.encoder !== tokens[place - 1]?.encoder) {
      swatch.after(make("span", { className: "encoder" }, token.encoder));
    }
    button.dataset.token = token.index;
    const encoder = token.encoder ? ` of ${token.encoder}` : "";
    button.setAttribute("aria-label", token.isSpecial
      ? `${token.text} token${encoder}` : `${token.text}, token ${token.index}${encoder}`);
    if (token.encoder) button.title = token.encoder;
    if (token.isSpecial) button.classList.add("special");
    if (token.isJoined) button.classList.add("joined");
    button.addEventListener("click", () => chooseToken(token.index));
    return button;
  }));
}

function chooseToken(token) {
  if (!takesSeveral) return change({ token: [token] });
  const others = state.token.filter((one) => one !== token);
  if (others.length < state.token.length) {
    if (others.length) change({ token: others });
  } else if (state.token.length < mostWords) {
    change({ token: [...state.token, token] });
  } else {
    at("note").textContent = `At most ${mostWords} words are shown at once.`;
  }
}

function listenToTokens() {
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
    if (!takesSeveral) change({ token: [Number(buttons[next].dataset.token)] });
    buttons[next].focus();
  });
}

function renderTokens(run) {
  makeTokens(run);
  if (state.token.length > 1) takesSeveral = true;
  at("tokens").setAttribute("role", takesSeveral ? "group" : "radiogroup");
  at("several").setAttribute("aria-pressed", String(takesSeveral));
  for (const button of at("tokens").children) {
    const token = Number(button.dataset.token);
    const isChosen = state.token.includes(token);
    button.setAttribute("role", takesSeveral ? "checkbox" : "radio");
    button.disabled = !run.tokens.includes(token);
    button.setAttribute("aria-checked", String(isChosen));
    button.tabIndex = takesSeveral || token === state.token[0] ? 0 : -1;
    const swatch = button.firstElementChild;
    swatch.hidden = !isChosen;
    if (isChosen) swatch.style.backgroundColor = wordColor(run, token);
  }
}

// MARK: - Controls

function renderControls() {
  const run = data.runs[state.run];
  const names = data.runs.map((run, place) => [place, menuName(run)]);
  setOptions(menus.run, names, state.run);
  setOptions(menus.compare, [["none", "nothing"], ...data.runs.map((one, place) => [place, one.name])
    .filter(([place]) => place === "none"
      || (place !== state.run && data.runs[place].prompt === run.prompt))], state.compare);
  const layers = layersOf(run, state.branch);
  const together = layers.filter((layer) => isLossGrid(run, layer));
  const mean = together.length
    ? [["mean", `mean of ${together.length} at ${run.lossGrid.rows}×${run.lossGrid.columns}`]] : [];
  setOptions(menus.layer,
    [...mean, ...layers.map((layer) => [layer.path, shortName(layer)])], state.layer);
  setOptions(menus.head,
    [["mean", layers.every((layer) => layer.heads.length === 0) ? "mean of all, as recorded"
      : state.layer === "mean" ? "mean (pick a layer)" : "mean of all"],
      ...headsOf(run, state).map((head) => [head, `head ${head}`])], state.head);
  setOptions(menus.branch, branchesOf(run).map((branch) => [branch, branch]), state.branch);
  setOptions(menus.show, [["side", "side by side"], ["colors", "in their colours, on one map"]],
    state.show);
  at("show").hidden = state.token.length < 2;
  setOptions(menus.look, [["smooth", "smooth, as opaque as its value"], ["cells", "exact cells"]],
    state.look);
  setOptions(menus.curve, [["peak", "peak attention"], ["score", "excitation score and loss"]],
    state.curve);
  at("lock").checked = state.lock;
  at("opacity").value = state.opacity;
  at("opacity-text").textContent = `${state.opacity} %`;
  renderTokens(run);
  renderStep(run);
  renderFrame(run);
  at("shown").hidden = !hasSeveralPrompts;
  at("shown").replaceChildren(make("bdi", {}, promptOf(run).text));
  at("selection").textContent = [
    chosenText(run), stepText(), frameText(run), layerText(run), headText(run),
    `${state.branch} branch${state.branch === "unconditional" ? ", which reads the negative prompt" : ""}`,
    state.lock ? "one scale, from 0 to the largest value of the words in the runs shown"
      + (state.step === "mean" ? "" : ", over all steps")
      + (state.frame === "mean" ? "" : ", over all frames")
      : "each map on a scale of its own",
    state.look === "cells" ? "exact cells" : "smoothed (bicubic), as opaque as its value over the picture in grey",
    state.opacity === 100 ? null : `map at ${state.opacity} % of its opacity`,
  ].filter(Boolean).join("; ") + ".";
}

function renderStep(run) {
  const slider = at("step");
  const isMean = state.step === "mean";
  const steps = stepsFor(run, state.head);
  slider.max = String(Math.max(0, steps.length - 1));
  slider.disabled = steps.length === 0;
  at("mean").disabled = at("play").disabled = steps.length === 0;
  if (!isMean) slider.value = String(steps.indexOf(state.step));
  at("step-text").textContent = stepText();
  slider.setAttribute("aria-valuetext", stepText());
  at("mean").setAttribute("aria-pressed", String(isMean));
}

function renderFrame(run) {
  const slider = at("frame");
  const isMean = state.frame === "mean";
  at("frames").hidden = run.frames === 1;
  slider.max = String(run.frames - 1);
  if (!isMean) slider.value = String(state.frame);
  const text = frameText(run) ?? "";
  at("frame-text").textContent = text;
  slider.setAttribute("aria-valuetext", text);
  at("frame-mean").setAttribute("aria-pressed", String(isMean));
}

// MARK: - Play

/** Milliseconds that a step stays. */
const stay = 160;
let playing = 0;

function stop() {
  clearInterval(playing);
  playing = 0;
  at("play").textContent = "Play";
  at("play").setAttribute("aria-pressed", "false");
}

function play() {
  if (playing) return stop();
  const steps = stepsFor(data.runs[state.run], state.head);
  const isAtEnd = state.step === "mean" || state.step === steps.at(-1);
  if (isAtEnd) change({ step: steps[0] });
  at("play").textContent = "Pause";
  at("play").setAttribute("aria-pressed", "true");
  playing = setInterval(() => {
    const steps = stepsFor(data.runs[state.run], state.head);
    const next = steps[steps.indexOf(state.step) + 1];
    if (next === undefined || state.step === "mean") return stop();
    change({ step: next });
  }, stay);
}

// MARK: - Page

function render() {
  const shown = state.compare === "none" ? [state.run] : [state.run, state.compare];
  views.forEach((view, place) => {
    view.article.hidden = place >= shown.length;
    view.index = shown[place];
    view.run = data.runs[view.index];
    view.shown = view.run ? panelsOf(view.run) : [];
  });
  const visible = views.filter((view) => view.run);
  const together = Math.max(...visible.flatMap((view) =>
    state.token.map((token) => largestOverSteps(view.run, state, token))));
  visible.forEach((view) => {
    view.scales = view.shown.map(({ maps }) => (state.lock
      ? together : Math.max(0, ...maps.map((map) => map.values[map.peak]))));
  });
  renderControls();
  visible.forEach(renderView);
  // While steps are played, nothing is read out.
  at("live").textContent = state.cell && !playing
    ? visible.map((view) => `${view.title.textContent}: ${view.panels.map((panel) => panel.value.textContent).join("; ")}`).join("; ")
    : "";
}

function listen() {
  const numberOr = (word) => (value) => (value === word ? word : Number(value));
  const picks = {
    run: (value) => {
      const run = Number(value);
      const isAlike = data.runs[run].prompt === data.runs[state.run].prompt;
      change(isAlike
        ? { run, compare: state.compare === run ? state.run : state.compare }
        : { run, compare: partner(run), token: null, cell: null });
    },
    compare: (value) => change({ compare: numberOr("none")(value) }),
    layer: (layer) => change({ layer, head: "mean", cell: null }),
    head: (value) => change({ head: numberOr("mean")(value) }),
    branch: (branch) => change({ branch }),
    show: (show) => change({ show }),
    look: (look) => change({ look }),
    curve: (curve) => change({ curve }),
  };
  for (const [name, choose] of Object.entries(picks)) menus[name] = makeMenu(name, choose);
  at("step").addEventListener("input", (event) => {
    stop();
    change({ step: stepsFor(data.runs[state.run], state.head)[event.target.value] });
  });
  at("mean").addEventListener("click", () => {
    stop();
    const steps = stepsFor(data.runs[state.run], state.head);
    change({ step: state.step === "mean" ? steps[at("step").value] : "mean" });
  });
  at("play").addEventListener("click", play);
  at("frame").addEventListener("input", (event) => change({ frame: Number(event.target.value) }));
  at("frame-mean").addEventListener("click", () => change({
    frame: state.frame === "mean" ? Number(at("frame").value) : "mean",
  }));
  at("opacity").addEventListener("input", (event) => change({ opacity: Number(event.target.value) }));
  at("several").addEventListener("click", () => {
    takesSeveral = !takesSeveral;
    change({ token: takesSeveral ? state.token : state.token.slice(0, 1) });
  });
  at("lock").addEventListener("change", (event) => change({ lock: event.target.checked }));
  at("export").addEventListener("click", download);
  at("copy").addEventListener("click", copyLink);
  listenToTokens();
  listenToLinks();
  darkness.addEventListener("change", () => render());
  for (const [name, isPaper] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(name, () => {
      isPrinted = isPaper;
      render();
    });
  }
}

/** Whether an address selects something, rather than a place of the page. */
const isSelection = (hash) => hash.includes("=");

function goToView() {
  at("app").scrollIntoView();
  at("app-title").focus({ preventScroll: true });
}

function listenToLinks() {
  document.addEventListener("click", (event) => {
    const hash = event.target.closest?.("a")?.getAttribute("href") ?? "";
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (!isPlain || !hash.startsWith("#") || !isSelection(hash)) return;
    event.preventDefault();
    stop();
    takesSeveral = false;
    writeAddress();
    history.pushState(null, "", hash);
    const { state, notes } = readHash(hash);
    show(state, notes);
    goToView();
  });
  addEventListener("hashchange", () => {
    if (!isSelection(location.hash)) return;
    const { state, notes } = readHash(location.hash);
    show(state, notes);
  });
}

// Without a script the contact sheet's links lead to its own cells.
for (const cell of document.querySelectorAll("#sheet a[id]")) cell.removeAttribute("id");
listen();
views.push(makeView("first"), makeView("second"));
at("app").hidden = false;
const opened = isSelection(location.hash) ? location.hash : "";
const read = readHash(opened);
show(read.state, read.notes);
if (opened) goToView();
