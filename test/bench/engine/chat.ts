import type { Measurement } from '../../../engine/cli/bench/backends.ts';
import { quantile } from '../../support/quantile.ts';
import { BenchWindow, type FollowUpRow, SITUATIONS, type Situation, type Times, functionsText } from './chatWindow.ts';

export interface GhostTextBenchOptions {
  /** Folder of the model. */
  readonly folder: string;
  /** Number of places in a text. A key is pressed at each of them in each situation, `repeat` times. */
  readonly places?: number;
  readonly repeat: number;
}

/** Milliseconds from a key to its ghost text, as a window sees them. */
export interface GhostTextRow {
  readonly situation: Situation;
  readonly keys: number;
  readonly median: number;
  readonly percentile95: number;
  /** The median and the 95th percentile, relative to those without a chat. */
  readonly ratio: number;
  readonly ratio95: number;
}

const PLACES = 20;

/** Ghost text without and beside a chat, through a real server. The situations take turns, so that a busy machine slows all. */
export function ghostTextIn({ folder, places = PLACES, repeat }: GhostTextBenchOptions): Measurement<GhostTextRow> {
  return {
    subject: 'from a key to its ghost text',
    layout: 'table',
    columns: [
      { title: 'meanwhile', width: 18, text: ({ situation }) => situation },
      { title: 'keys', text: ({ keys }) => String(keys) },
      { title: 'median ms', text: ({ median }) => median.toFixed(1) },
      { title: '95 % ms', width: 9, text: ({ percentile95 }) => percentile95.toFixed(1) },
      { title: 'x median alone', text: ({ ratio }) => ratio.toFixed(2) },
      { title: 'x 95 % alone', text: ({ ratio95 }) => ratio95.toFixed(2) },
    ],
    async *rows({ load, signal }) {
      await using window = await BenchWindow.open(folder, load);
      yield* ghostTextRows(await window.ghostTextTimes(prefixes(places), repeat, signal));
    },
  };
}

/** How much of a conversation the cache holds when the next question comes. */
export function followUpsIn(folder: string): Measurement<FollowUpRow> {
  return {
    subject: 'tokens of a further question',
    layout: 'table',
    columns: [
      { title: 'turn', text: ({ turn }) => String(turn) },
      { title: 'question', text: ({ question }) => String(question) },
      { title: 'prefilled', text: ({ prefilled }) => String(prefilled) },
      { title: 'in the cache', text: ({ reused }) => String(reused) },
    ],
    async *rows({ load }) {
      await using window = await BenchWindow.open(folder, load);
      yield* await window.followUps();
    },
  };
}

function ghostTextRows(times: Times): GhostTextRow[] {
  const [alone, alone95] = [quantile(times['no chat'], 0.5), quantile(times['no chat'], 0.95)];
  return SITUATIONS.map((situation) => {
    const [median, percentile95] = [quantile(times[situation], 0.5), quantile(times[situation], 0.95)];
    const ratios = { ratio: median / alone, ratio95: percentile95 / alone95 };
    return { situation, keys: times[situation].length, median, percentile95, ...ratios };
  });
}

/** Texts up to a cursor at the end of an unfinished line. */
function prefixes(count: number): string[] {
  const text = functionsText(count);
  return [...text.matchAll(/ {2}for \(const /g)].map(({ index, 0: match }) => text.slice(0, index + match.length));
}
