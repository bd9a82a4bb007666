/** Maps keys in the page's inputs to actions. Pure. */

export interface Key {
  key: string;
  keyCode: number;
  isComposing: boolean;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
}

export interface ComposerSituation {
  suggestionsOpen: boolean;
  empty: boolean;
  writing: boolean;
}

export type ComposerAction = 'send' | 'take' | 'next' | 'previous' | 'dismiss' | 'stop' | 'editLast';

/**
 * The action of a key in the composer; undefined for the key's default. While an input method composes a word, all keys
 * belong to it: Enter accepts the word. (Browsers that report the end of the composition before the key use key code
 * 229.)
 */
export function composerAction(key: Key, situation: ComposerSituation): ComposerAction | undefined {
  if (composes(key)) return undefined;
  const plain = !(key.shiftKey || key.ctrlKey || key.altKey || key.metaKey);
  if (key.key === 'Enter' && !key.shiftKey && !key.altKey) return situation.suggestionsOpen ? 'take' : 'send';
  if (!plain) return undefined;
  if (key.key === 'Escape') return situation.suggestionsOpen ? 'dismiss' : situation.writing ? 'stop' : undefined;
  if (situation.suggestionsOpen) {
    if (key.key === 'Tab') return 'take';
    if (key.key === 'ArrowDown') return 'next';
    if (key.key === 'ArrowUp') return 'previous';
    return undefined;
  }
  return key.key === 'ArrowUp' && situation.empty ? 'editLast' : undefined;
}

/** Whether the key belongs to an input method. */
export function composes(key: Pick<Key, 'isComposing' | 'keyCode'>): boolean {
  return key.isComposing || key.keyCode === 229;
}

/** The `@…` or `/…` before the cursor for which there may be suggestions; undefined if there is none. */
export function triggerAt(text: string, cursor: number): { start: number; text: string } | undefined {
  const before = text.slice(0, cursor);
  // "@file src/ma" counts, too: its kind has already been chosen.
  const found = /(?:^|\s)(@(?:[a-z]+ )?\S*)$/.exec(before)?.[1] ?? /^(\/\S*)$/.exec(before)?.[1];
  return found === undefined ? undefined : { start: cursor - found.length, text: found };
}
