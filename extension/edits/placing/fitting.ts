/** Finds where lines of code fit best in a file, by local sequence alignment (Smith-Waterman). Pure. */
import { extentEnd, isBalanced, isBlank, isComplete, isWeak, likeness } from './lines.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

/** For more pairs of lines than this only equal lines match: comparing their words takes microseconds per pair. */
const MAX_PAIRS = 400_000;
/** The likeness from which on two lines count as versions of one another. */
const ALIKE = 0.6;
/** The share of the block that must be found in the file. */
const MIN_SHARE = 0.5;
/** A place with this share of the best score is a candidate too. */
const NEARLY = 0.85;

/** The places in the file that the block may be a new version of, best first; several if none is clearly the best. */
export function fittingSpans(file: readonly string[], block: readonly string[]): Span[] {
  const weights = block.map(weightOf);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const aligned = align(file, block, weights);
  const ends = aligned.ends.filter(({ score }) => score >= MIN_SHARE * total).sort((a, b) => b.score - a.score);
  const best = ends[0];
  if (!best) return [];
  const spans: Span[] = [];
  for (const { end, score } of ends) {
    if (score < NEARLY * best.score) break;
    const span = spanOf(file, block, aligned.pairs(end));
    if (span && spans.every((other) => span.end <= other.start || other.end <= span.start)) spans.push(span);
  }
  return spans;
}

function weightOf(line: string): number {
  return isBlank(line) ? 0 : isWeak(line) ? 0.2 : 1;
}

type Pair = [block: number, file: number];

/**
 * scores[i][j] is the best score of aligning the first i lines of the block with lines of the file up to line j. A match
 * adds the line's weight, a line of the file that the block lacks costs a little, and a new line of the block nothing.
 */
function align(file: readonly string[], block: readonly string[], weights: readonly number[]) {
  const width = file.length + 1;
  const scores = new Float32Array((block.length + 1) * width);
  const steps = new Uint8Array(scores.length);
  const wordwise = file.length * block.length <= MAX_PAIRS;
  const trimmed = file.map((line) => line.trim());
  const costs = file.map((line) => 0.15 * weightOf(line));
  for (let i = 1; i <= block.length; i++) {
    const text = block[i - 1]!.trim();
    scores[i * width] = 0;
    steps[i * width] = NEW;
    for (let j = 1; j <= file.length; j++) {
      const at = i * width + j;
      const same = alike(text, trimmed[j - 1]!, wordwise);
      const match = same > 0 ? scores[at - width - 1]! + weights[i - 1]! * same : -1;
      const fresh = scores[at - width]!;
      const gone = scores[at - 1]! - costs[j - 1]!;
      scores[at] = Math.max(match, fresh, gone);
      steps[at] = match >= fresh && match >= gone ? MATCH : fresh >= gone ? NEW : GONE;
    }
  }
  const pairs = (end: number): Pair[] => {
    const found: Pair[] = [];
    for (let i = block.length, j = end; i > 0;) {
      const step = steps[i * width + j];
      if (step === MATCH) found.unshift([--i, --j]);
      else if (step === NEW) i--;
      else j--;
    }
    return found;
  };
  const last = block.length * width;
  // Only ends at which a line matches: elsewhere the same alignment is just followed by further lines.
  const ends = file.flatMap((_, line) => {
    const score = scores[last + line + 1]!;
    return score > scores[last + line]! ? [{ end: line + 1, score }] : [];
  });
  return { ends, pairs };
}

const MATCH = 1;
const NEW = 2;
const GONE = 3;

function alike(a: string, b: string, wordwise: boolean): number {
  if (a === b) return 1;
  if (!wordwise || isWeak(a) || isWeak(b)) return 0;
  const value = likeness(a, b);
  return value >= ALIKE ? value : 0;
}

/** From the first to the last matching line, extended to the end of whatever these lines open and the block closes. */
function spanOf(file: readonly string[], block: readonly string[], pairs: readonly Pair[]): Span | undefined {
  const strong = pairs.filter(([line]) => !isWeak(block[line]!));
  if (strong.length === 0) return undefined;
  const end = Math.max(
    pairs.at(-1)![1] + 1,
    ...strong.map(([line, at]) => {
      const end = extentEnd(block, line);
      // The block is this one declaration and nothing else.
      const alone = line === 0 && end === block.length && isBalanced(block);
      return end > line + 1 && (alone || isComplete(block, line, end)) ? extentEnd(file, at) : at + 1;
    }),
  );
  return { start: pairs[0]![1], end };
}
