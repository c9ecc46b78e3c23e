// What is answered so far, kept in the browser where that is allowed.

const data = JSON.parse(document.getElementById("data").textContent);
const memoryName = `heed-study-${data.study}`;

/** A new respondent, with no answer. */
function stranger() {
  const [seed, ...parts] = crypto.getRandomValues(new Uint32Array(3));
  const respondent = parts.map((part) => part.toString(16).padStart(8, "0")).join("");
  // The source of numbers never leaves zero.
  return { respondent, seed: seed || 1, choices: {} };
}

/** The respondent who was here before; `null` for none, or one whose answers are not of this page. */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(memoryName));
    const isWhole = /^[0-9a-f]{16}$/.test(kept.respondent) && Number.isInteger(kept.seed)
      && kept.seed > 0 && kept.seed < 2 ** 32;
    if (!isWhole) return null;
    const choices = {};
    for (const { code, sets } of data.questions) {
      const choice = Object.hasOwn(kept.choices, code) ? kept.choices[code] : null;
      if (sets.some((set) => set.code === choice)) choices[code] = choice;
    }
    return { respondent: kept.respondent, seed: kept.seed, choices };
  } catch {
    return null;
  }
}

/** Whether the browser keeps the answers. */
function remember(person) {
  try {
    localStorage.setItem(memoryName, JSON.stringify(person));
    return true;
  } catch {
    return false;
  }
}

function forget() {
  try {
    localStorage.removeItem(memoryName);
  } catch {
    // Where nothing can be kept, nothing is there.
  }
}
