/** Scores how well a typed text matches a path or name. Pure. */

/** Higher is better; undefined if the name does not contain the letters in this order. */
export function fuzzyScore(query: string, name: string): number | undefined {
  const typed = query.toLowerCase().replace(/\s+/g, '');
  const path = name.toLowerCase();
  const base = path.slice(path.lastIndexOf('/') + 1);
  // Of two equal matches, the shorter one is more often meant.
  const short = -path.length / 1000;
  if (typed === '') return short;
  if (base.startsWith(typed)) return 4 + short;
  if (base.includes(typed)) return 3 + short;
  if (path.includes(typed)) return 2 + short;
  const inBase = subsequence(typed, base, name.slice(-base.length));
  if (inBase !== undefined) return 1 + inBase + short;
  const inPath = subsequence(typed, path, name);
  return inPath === undefined ? undefined : inPath + short;
}

/** The share of letters that begin a word; undefined if one is missing. */
function subsequence(typed: string, lower: string, original: string): number | undefined {
  let at = -1;
  let begins = 0;
  for (const letter of typed) {
    const next = lower.indexOf(letter, at + 1);
    if (next < 0) return undefined;
    const isStart = next === 0 || /[^A-Za-z0-9]/.test(original[next - 1]!) || /[A-Z]/.test(original[next] ?? '');
    if (isStart || next === at + 1) begins++;
    at = next;
  }
  return begins / typed.length;
}
