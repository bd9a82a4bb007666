/** The slash commands: the instruction that, say, `/fix why…` gives the model, and the context it adds. Pure. */

export type SlashName = 'explain' | 'fix' | 'tests' | 'doc' | 'refactor' | 'commit' | 'terminal';

/** code: the selection or the symbol around the cursor. problems: that code and its diagnostics. */
export type SlashContext = 'code' | 'problems' | 'staged' | 'nothing';

export interface SlashQuestion {
  readonly name: SlashName;
  /** Text that replaces the typed text in the prompt. */
  readonly instruction: string;
  /** Context that is added if the user attached none of its kind: see `withDefaults` in context/defaults.ts. */
  readonly context: SlashContext;
}

/** Parses a text that begins with one of the commands; undefined for any other text. */
export function slashCommand(text: string, machine: { shell: string; system: string }): SlashQuestion | undefined {
  const [, name, rest = ''] = /^\s*\/([a-z]+)(?=\s|$)([\s\S]*)$/.exec(text) ?? [];
  if (!isSlashName(name)) return undefined;
  const { context, instruction } = COMMANDS[name];
  const task = instruction.replace('{shell}', machine.shell || 'a shell').replace('{system}', machine.system);
  const wish = rest.trim();
  return { name, context, instruction: wish === '' ? task : `${task}\n\n${wish}` };
}

export const SLASH_NAMES: readonly SlashName[] = ['explain', 'fix', 'tests', 'doc', 'refactor', 'commit', 'terminal'];

const COMMANDS: Record<SlashName, { context: SlashContext; instruction: string }> = {
  explain: {
    context: 'code',
    instruction:
      'Explain the code above: first what it is for, in one or two sentences, then how it works, step by step. ' +
      'Name what is surprising or wrong.',
  },
  fix: {
    context: 'problems',
    instruction:
      'Fix the problems of the code above. Say in one sentence what was wrong, then give the corrected code, whole and ' +
      'with nothing else changed, in one fenced block.',
  },
  tests: {
    context: 'code',
    instruction:
      'Write unit tests for the code above, with the test framework of its project or the usual one of its language. ' +
      'Cover ordinary cases, limits and errors. Give them in one fenced block.',
  },
  doc: {
    context: 'code',
    instruction:
      'Write documentation comments for the code above in the usual style of its language: what it does, parameters, ' +
      'result and errors. Give the code with the comments in one fenced block, with nothing else changed.',
  },
  refactor: {
    context: 'code',
    instruction:
      'Rewrite the code above so that it is simpler and easier to read and does exactly the same. Say in one sentence ' +
      'what you changed, then give the new code in one fenced block.',
  },
  commit: {
    context: 'staged',
    instruction:
      'Write a git commit message for the changes above: a first line of at most 72 characters in the imperative, such ' +
      'as "Add a limit to uploads"; then, only where it helps, an empty line and a short text that says why. Answer ' +
      'with the message alone.',
  },
  terminal: {
    context: 'nothing',
    instruction:
      'Give one command line for {shell} on {system} that does the following, in one fenced block on one line, and ' +
      'below it one sentence on what it does. Nothing of it will run until the user presses Enter.',
  },
};

function isSlashName(name: string | undefined): name is SlashName {
  return SLASH_NAMES.some((each) => each === name);
}
