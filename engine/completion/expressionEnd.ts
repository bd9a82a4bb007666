/** Where a line may end that goes on unknown: behind a name, a value or a closing bracket. */
import type { Cursor } from './cursor.ts';
import { openLiteral } from './openLiteral.ts';

/** Operators, separators and opening brackets. */
const OPERATORS = /[-+*/%&|^<>=!?:.~@,#([{]+$/;
/** With nothing between them and what they follow, these end it: `i++`, `List<T>`, `f()?`, `println!`, `50%`, `else:`. */
const ENDS = /^(?:\+\+|--|\*+|>+|[?!%:/]|\*\/)$/;

/** Removes operators, dots, commas and opening brackets at the end of the text, but not from a string or comment. */
export function withoutOpenEnd(text: string, { language, openString = '', inComment }: Cursor): string {
  if (language.prose || inComment || openLiteral(openString + text, language) !== undefined) return text;
  for (let shown = text; ;) {
    const operators = OPERATORS.exec(shown.trimEnd())?.[0];
    if (operators === undefined) return shown;
    const before = shown.trimEnd().slice(0, -operators.length);
    if (operators === '/>' || (/\S$/.test(before) && ENDS.test(operators))) return shown;
    shown = before.trimEnd();
  }
}
