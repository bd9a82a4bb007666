/** Renders a question with its sources, which stand as data between marks that their own text cannot close. */

/** A text to quote in a prompt. */
export interface QuotedSource {
  readonly name: string;
  readonly text: string;
  /** The lines of the file that `text` shows, such as "10-24"; empty when the model is not told them. */
  readonly lines: string;
}

/** The sources come first: when only the question changes, the prompt begins with the same tokens. */
export function questionText(question: string, sources: readonly QuotedSource[]): string {
  return [...sources.map(quoted), question].join('\n\n');
}

function quoted({ name, text, lines }: QuotedSource): string {
  const where = lines === '' ? '' : ` lines="${attribute(lines)}"`;
  return `<file name="${attribute(name)}"${where}>\n${withoutClosingMarks(text)}\n</file>`;
}

/** Escapes closing marks in a source with a backslash, so that the source cannot end its own quotation. */
function withoutClosingMarks(text: string): string {
  return text.replace(/<(?=\s*\/\s*file(?![\w.:-]))/gi, '<\\');
}

/** Anybody may have chosen a file's name, so it must not be able to leave its mark either. */
function attribute(value: string): string {
  return value.replace(/[\x00-\x1f\x7f\u2028\u2029]+/g, ' ').replace(/["<>]/g, '_');
}
