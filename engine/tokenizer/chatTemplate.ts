import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { BadModel, errorMessage } from '../errors.ts';
import { quoted } from '../sources/quoted.ts';
import { strftime } from './strftime.ts';

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

type TemplateOptions = ChatOptions & { readonly bosToken: string; readonly eosToken: string };

/** Released templates have 200 to 15,000 characters. */
const LONGEST_TEMPLATE = 100_000;
/** A template is foreign code, so it gets no long loops. */
const LONGEST_RANGE = 10_000;

/**
 * Renders a conversation with a Jinja chat template. Where the template refuses a system message, the first question
 * begins with its text instead. Throws BadModel, in one sentence, where the template fails.
 */
export function renderChat(template: string, messages: readonly ChatMessage[], options: TemplateOptions): string {
  if (template.length > LONGEST_TEMPLATE) {
    throw new BadModel(`The chat template has ${template.length} characters. The limit is ${LONGEST_TEMPLATE}.`);
  }
  try {
    return render(template, messages, options);
  } catch (error) {
    const merged = withoutSystem(messages);
    const text = merged && attempt(() => render(template, merged, options));
    if (text !== undefined) return text;
    throw new BadModel(`The chat template fails: ${quoted(errorMessage(error), 200)}.`);
  }
}

/** The messages with the system's text in front of the first question; undefined where they do not begin so. */
export function withoutSystem(messages: readonly ChatMessage[]): ChatMessage[] | undefined {
  const [system, question, ...rest] = messages;
  if (system?.role !== 'system' || question?.role !== 'user') return undefined;
  return [{ role: 'user', content: `${system.content}\n\n${question.content}` }, ...rest];
}

/** Variables as transformers' apply_chat_template sets them. */
function render(template: string, messages: readonly ChatMessage[], options: TemplateOptions): string {
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
    strftime_now: (format: string) => strftime(format, CLOCK.render()),
    messages,
    tools: null,
    documents: null,
    add_generation_prompt: options.addGenerationPrompt,
    bos_token: options.bosToken,
    eos_token: options.eosToken,
  };
  for (const [name, value] of Object.entries(names)) environment.set(name, value);
  return String(new Interpreter(environment).run(new Template(withoutGenerationBlocks(template)).parsed).value);
}

/** The library has a clock for templates, with months in the user's language; released templates expect English. */
const CLOCK = new Template("{{ strftime_now('%Y-%m-%d %H:%M') }}");

/** `{% generation %}` marks what training learns from; the library does not know it. */
function withoutGenerationBlocks(template: string): string {
  return template.replace(
    /(\{%[-+]?\s*)(end)?generation(\s*[-+]?%\})/g,
    (_, open: string, end: unknown, close: string) => (end ? `${open}endif${close}` : `${open}if true${close}`),
  );
}

function attempt(work: () => string): string | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
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
