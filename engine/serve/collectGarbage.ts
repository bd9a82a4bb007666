import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: ((options: object) => void) | undefined;

/**
 * Gives the memory of unloaded models back to the system. V8 frees a WebAssembly memory only when it collects its object,
 * and would wait for that until it needs memory itself, which an idle process never does.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as typeof collect;
  }
  // Beside what is garbage, the last resort shrinks the heap, which has grown by a vocabulary.
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
