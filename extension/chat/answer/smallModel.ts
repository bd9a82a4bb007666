/**
 * A question as a very small model is asked. Unless it is told to be brief, it goes on until it repeats itself, and without
 * a file it makes one up: test/bench/FIGURES.md has what it answered. `given`: something to answer from comes along.
 */
export function forSmallModel(question: string, given: boolean): string {
  if (!/\?\s*$/.test(question)) return question;
  const brief = `${question.trimEnd()} Answer in one or two short sentences.`;
  return given ? brief : `${brief} No file or code was given; say so.`;
}
