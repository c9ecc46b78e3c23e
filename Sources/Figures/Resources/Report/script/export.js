// The view as a standalone SVG, in light colours and exact cells.

/** Text that XML allows. */
const clean = (text) =>
  text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd").toWellFormed();

/** Lines of a text of at most so many letters, broken at blanks where there are any. */
function wrapped(text, length) {
  const lines = [];
  let rest = Array.from(clean(text).replace(/\s+/g, " ").trim());
  while (rest.length > length) {
    const blank = rest.slice(0, length + 1).lastIndexOf(" ");
    const end = blank > 0 ? blank : length;
    lines.push(rest.slice(0, end).join(""));
    rest = rest.slice(blank > 0 ? end + 1 : end);
  }
  return [...lines, rest.join("")];
}

function writeText(parent, content, x, y, fields = {}) {
  parent.append(makeSVG("text", {
    x, y, "font-family": "Liberation Sans, sans-serif", "font-size": 13, fill: light.ink, ...fields,
  }, content));
}

function exportedSVG() {
  const shown = views.filter((view) => view.run);
  const [side, gap] = [320, 24];
  const width = gap + shown.length * (side + gap);
  const run = data.runs[state.run];
  const selection = [chosenText(run), stepText(), frameText(run), layerText(run), headText(run), state.branch]
    .filter(Boolean).join("; ");
  const heading = [
    ...wrapped(promptOf(run).text, 40 * shown.length).map((line) => [line, 15, light.ink]),
    ...wrapped(selection, 52 * shown.length).map((line) => [line, 11, light.soft]),
  ];
  const names = shown.map((view) => wrapped(view.run.name, 46));
  const lines = Math.max(...names.map((lines) => lines.length));
  const tops = [8];
  for (const [, size] of heading) tops.push(tops.at(-1) + size * 1.3);
  const start = tops.at(-1) + 10 + lines * 17;
  const grid = chosenLayers(run, state)[0].grid;
  const depth = side * grid.rows / grid.columns;
  const block = depth + 62;
  const count = shown[0].shown.length;
  const chartTop = start + count * block;
  const height = chartTop + 176 + 16 + 16 * Math.ceil(linesOf(run, light).length / 2);
  const root = makeSVG("svg", { xmlns: svgSpace, viewBox: `0 0 ${width} ${height}`, width, height });
  root.append(makeSVG("title", {}, clean(`${promptOf(run).text}: attention to ${chosenText(run)}`)));
  root.append(makeSVG("desc", {}, clean(`Heed report ${writeHash(state)}`)));
  root.append(makeSVG("rect", { width, height, fill: light.paper }));
  heading.forEach(([line, size, fill], place) =>
    writeText(root, line, gap, tops[place + 1], { "font-size": size, fill }));
  shown.forEach((view, place) => {
    const group = makeSVG("g", { transform: `translate(${gap + place * (side + gap)} 0)` });
    names[place].forEach((line, k) => writeText(group, line, 0, start - 8 - 17 * (names[place].length - 1 - k)));
    view.shown.forEach((panel, k) =>
      exportPanel(group, view, panel, view.scales[k], side, depth, start + k * block));
    const chart = makeSVG("g", { transform: `translate(0 ${chartTop})` });
    if (!view.curves.hidden) {
      drawChart(chart, view.run, side, 176, light);
      exportLegend(chart, view.run, side, 192);
    }
    group.append(chart);
    root.append(group);
  });
  return new XMLSerializer().serializeToString(root);
}

function exportPanel(parent, view, { tokens, maps, isWhole }, scale, side, depth, top) {
  const text = (content, x, y, fields) => writeText(parent, content, x, y, { "font-size": 11, ...fields });
  if (!isWhole) {
    parent.append(makeSVG("rect", {
      x: 0, y: top, width: side, height: depth, fill: "#f3f4f6", stroke: light.rule,
    }));
    text("not recorded", side / 2, top + depth / 2, { "text-anchor": "middle" });
    return;
  }
  const { rows, columns } = maps[0].grid;
  const [wide, high] = [side / columns, depth / rows];
  const inks = tokens.map((token) => rgb(wordColor(view.run, token)));
  const cells = makeSVG("g", { "shape-rendering": "crispEdges" });
  for (let cell = 0; cell < rows * columns; cell++) {
    let fill = colors[colorIndex(maps[0].values[cell], scale)];
    if (maps.length > 1) {
      const { color, opacity } = mixture(maps.map((map) => map.values[cell]), scale, inks);
      fill = `rgb(${color.map((part) => Math.round(255 + (part - 255) * opacity)).join(",")})`;
    }
    cells.append(makeSVG("rect", {
      x: wide * (cell % columns), y: top + high * Math.floor(cell / columns), width: wide,
      height: high, fill,
    }));
  }
  parent.append(cells);
  const words = maps.map((map, place) =>
    `${textOf(view.run, tokens[place])}: peak ${short(map.values[map.peak])}`).join("; ");
  text(wrapped(words, 56)[0], 0, top + depth + 14, {});
  if (maps.length > 1) {
    text(`clear: 0, full colour: ${digits(scale)}`, 0, top + depth + 30, { fill: light.soft });
    return;
  }
  const bar = makeSVG("g", { "shape-rendering": "crispEdges" });
  colors.forEach((color, place) => bar.append(makeSVG("rect", {
    x: place * side / 256, y: top + depth + 22, width: side / 256, height: 10, fill: color,
  })));
  parent.append(bar);
  [["start", 0], ["middle", 0.5], ["end", 1]].forEach(([anchor, part]) =>
    text(digits(part * scale), part * side, top + depth + 45, { "text-anchor": anchor }));
}

function exportLegend(parent, run, side, top) {
  linesOf(run, light).forEach((line, place) => {
    const [x, y] = [place % 2 * side / 2, top + 16 * Math.floor(place / 2)];
    parent.append(makeSVG("line", {
      x1: x, x2: x + 18, y1: y - 4, y2: y - 4, stroke: line.color,
      "stroke-width": line.width, "stroke-dasharray": line.dash || "none",
    }));
    writeText(parent, wrapped(line.name, 24)[0], x + 22, y, { "font-size": 11 });
  });
}

function download() {
  const run = data.runs[state.run];
  const address = URL.createObjectURL(new Blob([exportedSVG()], { type: "image/svg+xml" }));
  const word = state.token.map((token) => textOf(run, token)).join("-")
    .normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").slice(0, 40);
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
