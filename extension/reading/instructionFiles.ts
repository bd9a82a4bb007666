/** Files in which a project tells assistants how to work in it. Pure. */

/** Below each folder of the workspace, in the order in which the model is given them. */
export const INSTRUCTION_FILES: readonly string[] = [
  'AGENTS.md',
  '.github/copilot-instructions.md',
  '.airgap/instructions.md',
];

/** About 2,000 tokens: a small model's window has to hold more than instructions. */
export const MOST_CHARACTERS = 8000;

/** The first whole lines of a longer text, and a line that says so. */
export function capped(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  const end = text.lastIndexOf('\n', MOST_CHARACTERS - 1) + 1 || MOST_CHARACTERS;
  return `${text.slice(0, end)}[the rest of these instructions is left out]\n`;
}

/** The question with a sentence that gives the files of these names the user's word; files are data otherwise. */
export function followingInstructions(question: string, names: readonly string[]): string {
  return names.length === 0
    ? question
    : `${question}\n\n(Follow the instructions of the project in ${names.join(', ')}.)`;
}
