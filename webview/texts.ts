/** The page's texts: English in the code, translated by the host. */

let table: Readonly<Record<string, string>> = {};

/** Sets the host's translations. */
export function setTexts(texts: Readonly<Record<string, string>>): void {
  table = texts;
}

/** The text in the user's language, with {0}, {1} … filled in. */
export function t(english: string, ...values: (string | number)[]): string {
  const text = Object.hasOwn(table, english) ? table[english]! : english;
  return text.replace(/\{(\d+)\}/g, (mark, index: string) => String(values[Number(index)] ?? mark));
}

/** 1200 -> "1,200". */
export function count(value: number): string {
  return value.toLocaleString(document.documentElement.lang || undefined);
}
