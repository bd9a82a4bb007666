import { setTimeout as delay } from 'node:timers/promises';
import { Cancelled } from '../errors.ts';
import { type Mark, leaveMark, livingMarks } from './marks.ts';

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once, when another process has the lock and this one begins to wait. */
  readonly onWait?: ((pid: number) => void) | undefined;
}

/**
 * Takes the lock of `name` in `folder` and waits while a living process has it. Each process leaves its mark first and
 * looks for others then, so that of two at once at least one sees the other; who sees another one withdraws. Rejects with
 * Cancelled.
 */
export async function takeLock(folder: string, name: string, { signal, onWait }: LockOptions = {}): Promise<Mark> {
  const purpose = `${name}.lock`;
  let told = false;
  for (;;) {
    if (signal?.aborted) throw new Cancelled();
    const mark = await leaveMark(folder, purpose);
    const [other] = (await livingMarks(folder, purpose)).filter((each) => each.name !== mark.name);
    if (!other) return mark;
    await mark.remove();
    if (!told) onWait?.(other.pid);
    told = true;
    // At random, so that two that saw each other do not meet again.
    await delay(20 + Math.random() * 180, undefined, signal ? { signal } : {}).catch(() => undefined);
  }
}
