// The controls, and the pictures that they choose.

/** How many pictures are added at a time. */
const portion = 200;
/** Pictures with fewer pixels a side are enlarged as squares. */
const smallSide = 96;

let choice = { ...everything };
let found = [];
let shown = 0;

function make(name, fields = {}, ...children) {
  const element = document.createElement(name);
  Object.assign(element, fields);
  element.append(...children);
  return element;
}

const isolated = (text) => make("bdi", {}, text);

function card(picture) {
  const by = order(choice);
  const image = make("img", {
    loading: "lazy", alt: `${picture.text}: ${picture.title}, seed ${picture.seed}`,
  });
  image.addEventListener("load", () => {
    image.classList.toggle("small", image.naturalWidth < smallSide);
  });
  image.src = picture.source;
  const value = by && (picture.values[by.score] ?? "not scored");
  return make("li", {},
    make("a", { href: picture.link }, image, isolated(picture.text)),
    make("p", {}, isolated(picture.title), `, seed ${picture.seed}`),
    ...(by ? [make("p", { className: "value" }, `${data.scores[by.score]} ${value}`)] : []));
}

function addMore() {
  const next = found.slice(shown, shown + portion);
  at("pictures").append(...next.map(card));
  shown += next.length;
  const left = found.length - shown;
  at("more").hidden = left === 0;
  at("more").textContent = `Show ${Math.min(left, portion)} more`;
  at("found").textContent = `${found.length} of ${all.length} pictures`
    + (left ? `, the first ${shown} of them shown` : "");
}

function show() {
  found = chosen(choice);
  shown = 0;
  at("pictures").replaceChildren();
  addMore();
}

function fill(id, options) {
  at(id).replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
}

/** Puts what an address asks for into the controls; what no control has is left out. */
function take(asked) {
  for (const name of Object.keys(everything)) {
    at(name).value = asked[name];
    choice[name] = at(name).value || "";
    if (choice[name] !== asked[name]) at(name).value = choice[name] = "";
  }
  show();
}

const same = (values) => values.map((value) => [value, value]);
fill("subset", [["", "all"], ...same(unique("subset").filter((name) => name !== ""))]);
fill("method", [["", "all"], ...data.methods]);
fill("seed", [["", "all"], ...same(unique("seed"))]);
fill("sort", [["", "prompt"], ...data.scores.flatMap((title, place) => [
  [`up-${place}`, `${title}, lowest first`], [`down-${place}`, `${title}, highest first`],
])]);
at("subset").parentElement.hidden = at("subset").options.length < 3;
at("filters").hidden = false;

let timer = 0;
at("filters").addEventListener("input", (event) => {
  choice[event.target.id] = event.target.value;
  history.replaceState(null, "", writeHash(choice));
  clearTimeout(timer);
  timer = setTimeout(show, event.target.id === "prompt" ? 150 : 0);
});
at("filters").addEventListener("submit", (event) => event.preventDefault());
at("more").addEventListener("click", addMore);
window.addEventListener("hashchange", () => take(readHash(location.hash)));
take(readHash(location.hash));
