/** Text from a file, as it may stand in a message: on one line and not too long. */
export function quoted(text: string, longest = 80): string {
  // Control characters, line and paragraph separators, and marks that change the direction of writing.
  const plain = text.replace(/[\p{C}\u2028\u2029]/gu, '\ufffd');
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain;
}
