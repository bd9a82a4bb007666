/** How good completions of lines are. Pure. */

/** One completion of a cut. */
export interface LineResult {
  readonly languageId: string;
  readonly truth: string;
  /** What was shown, to the end of the line; '' where nothing was. */
  readonly shown: string;
  /** Milliseconds to the first token and to the shown text; absent where no model ran. */
  readonly firstMs?: number;
  readonly totalMs?: number;
}

export interface LineScore {
  readonly cuts: number;
  /** Shares of the cuts: something is shown, and it is exactly the rest of the line. */
  readonly shown: number;
  readonly exact: number;
  /** Mean of 1 - edit distance / longer length; 0 where nothing is shown. */
  readonly similarity: number;
  /** Characters of shown texts with which the rest of the line begins, per 100 cuts, and their share of all shown. */
  readonly keptPer100: number;
  readonly keptShare: number;
  readonly medianFirstMs: number | undefined;
  readonly medianMs: number | undefined;
  readonly p90Ms: number | undefined;
}

/** A person keeps a shown text where the line goes on with all of it. */
export function scoreOf(results: readonly LineResult[]): LineScore {
  const count = results.length;
  const shown = results.filter((result) => result.shown !== '');
  const kept = sum(shown.map(({ shown: text, truth }) => (truth.startsWith(text) ? text.length : 0)));
  const characters = sum(shown.map(({ shown: text }) => text.length));
  return {
    cuts: count,
    shown: shown.length / count,
    exact: results.filter(({ shown: text, truth }) => text === truth).length / count,
    similarity: sum(results.map(({ shown: text, truth }) => similarity(text, truth))) / count,
    keptPer100: (100 * kept) / count,
    keptShare: characters === 0 ? 0 : kept / characters,
    medianFirstMs: quantile(
      results.flatMap(({ firstMs }) => firstMs ?? []),
      0.5,
    ),
    medianMs: quantile(
      results.flatMap(({ totalMs }) => totalMs ?? []),
      0.5,
    ),
    p90Ms: quantile(
      results.flatMap(({ totalMs }) => totalMs ?? []),
      0.9,
    ),
  };
}

function similarity(shown: string, truth: string): number {
  return shown === '' ? 0 : 1 - editDistance(shown, truth) / Math.max(shown.length, truth.length);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function quantile(values: readonly number[], share: number): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
