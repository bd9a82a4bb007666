import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { BadModel, errorMessage } from '../errors.ts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

export interface ChatOptions {
  /** Ends the text with the mark after which the model answers. */
  readonly addGenerationPrompt: boolean;
  /** The beginning of the answer, which Tokenizer.chat appends. */
  readonly prefill?: string;
}

/** Released templates have 200 to 6,000 characters. */
const LONGEST_TEMPLATE = 100_000;
/** A template is foreign code, so it gets no clock and no long loops. */
const LONGEST_RANGE = 10_000;

/** Renders a conversation with a Jinja chat template. Throws BadModel, in one sentence, where the template fails. */
export function renderChat(
  template: string,
  messages: readonly ChatMessage[],
  options: ChatOptions & { readonly bosToken: string; readonly eosToken: string },
): string {
  if (template.length > LONGEST_TEMPLATE) {
    throw new BadModel(`The chat template has ${template.length} characters. The limit is ${LONGEST_TEMPLATE}.`);
  }
  try {
    const result = new Interpreter(environment(messages, options)).run(new Template(template).parsed);
    return String(result.value);
  } catch (error) {
    throw new BadModel(`The chat template fails: ${errorMessage(error)}.`);
  }
}

function environment(
  messages: readonly ChatMessage[],
  options: ChatOptions & { readonly bosToken: string; readonly eosToken: string },
): Environment {
  const environment = new Environment();
  const names = {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range,
    raise_exception: (message: string) => {
      throw new Error(message);
    },
    messages,
    add_generation_prompt: options.addGenerationPrompt,
    bos_token: options.bosToken,
    eos_token: options.eosToken,
  };
  for (const [name, value] of Object.entries(names)) environment.set(name, value);
  return environment;
}

/** Python's range(). */
function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= LONGEST_RANGE)) throw new Error(`range() of ${count} numbers; at most ${LONGEST_RANGE} are allowed`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

/** A Unicode noncharacter, which no text contains. */
const HIDE = '\uFDD0';

/** Breaks the names of special tokens in a message, so that the rendered text contains only the template's own. */
export function hideSpecials(content: string, names: Iterable<string>): string {
  let hidden = content.replaceAll(HIDE, '');
  for (const name of names) hidden = hidden.replaceAll(name, () => name[0]! + HIDE + name.slice(1));
  return hidden;
}

/** Reverts hideSpecials after the text was split at special tokens. */
export function showSpecials(text: string): string {
  return text.replaceAll(HIDE, '');
}
