// The file that the respondent sends back.

/** CRC-32 of a text of ASCII letters, as in zip files. */
function checksum(text) {
  let rest = -1;
  for (let place = 0; place < text.length; place += 1) {
    rest ^= text.charCodeAt(place);
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0xedb88320 : 0);
  }
  return (~rest >>> 0).toString(16).padStart(8, "0");
}

/** The answers as JSON, in the order in which the questions were shown, each with the order of its sets. */
function answersText(person, questions) {
  const answers = questions.map(({ code, sets }) => ({
    question: code, order: sets.map((set) => set.code), choice: person.choices[code],
  }));
  const lines = answers.map((answer) => [answer.question, ...answer.order, answer.choice].join(" "));
  return JSON.stringify({
    format: "heed study answers", version: 1, study: data.study, respondent: person.respondent,
    seed: person.seed, answers,
    checksum: checksum([data.study, person.respondent, String(person.seed), ...lines].join("\n")),
  }, null, 1) + "\n";
}
