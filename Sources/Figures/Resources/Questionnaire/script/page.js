// The page: start, questions, end.

const at = (id) => document.getElementById(id);
let person = remembered() ?? stranger();
let questions = ordered(data.questions, person.seed);
/** The question that is shown; before the first at the start, after the last at the end. */
let place = -1;

const isAnswered = (question) => Object.hasOwn(person.choices, question.code);
const answered = () => questions.filter(isAnswered).length;

function show(next) {
  place = next;
  const isEnd = place === questions.length;
  at("start").hidden = place >= 0;
  at("question").hidden = place < 0 || isEnd;
  at("end").hidden = !isEnd;
  at("header").hidden = place < 0;
  showProgress();
  if (place < 0) showStart();
  else if (isEnd) at("text").value = answersText(person, questions);
  else showQuestion(questions[place]);
  scrollTo(0, 0);
}

function focusTitle() {
  const name = place < 0 ? "start" : place === questions.length ? "end" : "question";
  at(`${name}-title`).focus({ preventScroll: true });
}

function go(next) {
  show(next);
  focusTitle();
}

function showProgress() {
  at("progress").max = questions.length;
  at("progress").value = answered();
  at("progress-text").textContent = `${answered()} of ${questions.length} answered`;
}

function showStart() {
  at("count").textContent = questions.length === 1 ? "one question" : `${questions.length} questions`;
  const isKept = remember(person);
  at("kept").textContent = !isKept
    ? "This browser keeps nothing of this page: answer all questions before you close it."
    : answered()
      ? `You have answered ${answered()} of ${questions.length} questions before, and go on from there.`
      : "You may close the page and go on later in the same browser.";
  at("begin").textContent = answered() ? "Go on" : "Begin";
}

function showQuestion(question) {
  at("question-title").textContent = `Question ${place + 1} of ${questions.length}`;
  const prompt = document.createElement("bdi");
  prompt.textContent = question.prompt;
  at("prompt").replaceChildren("“", prompt, "”");
  at("sets").replaceChildren(...question.sets.map((set, k) => setElement(question, set, k)));
  at("alert").textContent = "";
}

/** The set at place `k` as a choice, with its pictures. */
function setElement(question, set, k) {
  const letter = String.fromCharCode(65 + k);
  const input = document.createElement("input");
  input.type = "radio";
  input.name = "set";
  input.checked = person.choices[question.code] === set.code;
  input.addEventListener("change", () => choose(k));
  const name = document.createElement("span");
  name.className = "name";
  name.append(input, `Set ${letter}`);
  const pictures = document.createElement("span");
  pictures.className = set.pictures.length === 1 ? "pictures single" : "pictures";
  pictures.append(...set.pictures.map((address, n) => {
    const picture = document.createElement("img");
    picture.src = address;
    picture.alt = `Set ${letter}, picture ${n + 1}`;
    return picture;
  }));
  const label = document.createElement("label");
  label.className = "set";
  label.append(name, pictures);
  return label;
}

function choose(k) {
  const question = questions[place];
  person.choices[question.code] = question.sets[k].code;
  at("sets").children[k].querySelector("input").checked = true;
  at("alert").textContent = "";
  remember(person);
  showProgress();
}

function goOn() {
  if (!isAnswered(questions[place])) {
    at("alert").textContent = "Choose a set first.";
    return;
  }
  go(place + 1);
}

function save() {
  const address = URL.createObjectURL(new Blob([at("text").value], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `answers-${person.respondent}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
  at("again").hidden = false;
}

function startAgain() {
  forget();
  person = stranger();
  questions = ordered(data.questions, person.seed);
  at("again").hidden = true;
  go(-1);
}

function listen() {
  at("begin").addEventListener("click", () => {
    const open = questions.findIndex((question) => !isAnswered(question));
    go(open < 0 ? questions.length : open);
  });
  at("next").addEventListener("click", goOn);
  at("back").addEventListener("click", () => go(place - 1));
  at("review").addEventListener("click", () => go(place - 1));
  at("save").addEventListener("click", save);
  at("again").addEventListener("click", startAgain);
  addEventListener("keydown", (event) => {
    const isQuestion = place >= 0 && place < questions.length;
    if (!isQuestion || event.ctrlKey || event.altKey || event.metaKey) return;
    const k = "123456789".indexOf(event.key);
    if (event.key.length === 1 && k >= 0 && k < questions[place].sets.length) {
      choose(k);
      at("sets").children[k].querySelector("input").focus();
    }
    if (event.key === "Enter" && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      goOn();
    }
  });
}

listen();
show(-1);
