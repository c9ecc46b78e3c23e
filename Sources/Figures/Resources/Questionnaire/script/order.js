// The order in which a respondent sees questions and sets, drawn by a seed.

/** A source of numbers from 0 to below `count`: Marsaglia's xorshift32 (Journal of Statistical Software 8, 2003). */
function drawing(seed) {
  let state = seed;
  return (count) => {
    // Numbers at the end would come more often: they are drawn again.
    const limit = 2 ** 32 - 2 ** 32 % count;
    do {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
    } while ((state >>> 0) >= limit);
    return (state >>> 0) % count;
  };
}

function shuffled(elements, draw) {
  const result = [...elements];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const place = draw(last + 1);
    [result[last], result[place]] = [result[place], result[last]];
  }
  return result;
}

/** The questions in the respondent's order, the sets of each too. */
function ordered(questions, seed) {
  const draw = drawing(seed);
  return shuffled(questions, draw).map((question) => ({ ...question, sets: shuffled(question.sets, draw) }));
}
