/** What a line's threshold of probability changes: how much is shown, and how much of that is right. */
import { shownText } from '../../completion/completeAt.ts';
import { Confidence, type WrittenToken } from '../../completion/confidence.ts';
import type { Syntax } from '../../syntax/findErrors.ts';
import type { LineCut } from './lineCuts.ts';
import { type LineScore, scoreOf } from './lineScores.ts';

/** A cut, and what the model wrote there to the end of the line. */
export interface WrittenCut extends LineCut {
  readonly tokens: readonly WrittenToken[];
}

export interface CurvePoint {
  readonly language: string;
  readonly threshold: number;
  /** Of the files on whose figures a threshold may be chosen, and of the others, on which it is to be judged. */
  readonly chosenOn: LineScore;
  readonly judgedOn: LineScore;
}

const THRESHOLDS = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/** The points of all languages together, then of each. Every second file of a language is one to choose by. */
export async function lineCurve(cuts: readonly WrittenCut[], syntax: Syntax): Promise<CurvePoint[]> {
  const languages = [...new Set(cuts.map(({ languageId }) => languageId))];
  const toChooseOn = new Set(
    languages.flatMap((language) => {
      const paths = new Set(cuts.filter(({ languageId }) => languageId === language).map(({ path }) => path));
      return [...paths].filter((_, i) => i % 2 === 0);
    }),
  );
  const points: CurvePoint[] = [];
  for (const threshold of THRESHOLDS) {
    const shown = await Promise.all(
      cuts.map(async (cut) => {
        const confidence = confidenceIn(cut.tokens, threshold);
        const place = { ...cut, fileName: '', multiline: 'never' } as const;
        const { text } = await shownText(confidence.sureText(), place, syntax, confidence.unsure);
        return { ...cut, shown: text };
      }),
    );
    for (const language of ['all', ...languages]) {
      const of = shown.filter(({ languageId }) => language === 'all' || languageId === language);
      const [chosenOn, judgedOn] = [true, false].map((choose) =>
        scoreOf(of.filter(({ path }) => toChooseOn.has(path) === choose)),
      ) as [LineScore, LineScore];
      points.push({ language, threshold, chosenOn, judgedOn });
    }
  }
  return points.sort((a, b) => ['all', ...languages].indexOf(a.language) - ['all', ...languages].indexOf(b.language));
}

function confidenceIn(tokens: readonly WrittenToken[], threshold: number): Confidence {
  const confidence = new Confidence(threshold);
  for (const token of tokens) if (!confidence.add(token)) break;
  return confidence;
}
