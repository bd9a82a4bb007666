/** Starts an engine of its own on each program that may run it, and has each backend compute the goldens. No vscode. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Backend, BackendReport } from '../../engine/wire/protocol.ts';
import { abortable } from '../common/abortable.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { connectEngine, type Connected, type Launch } from '../engine/process.ts';
import type { Runtime } from '../engine/runtime.ts';
import { GOLDENS } from './goldens.ts';

export interface ProbedRuntime {
  readonly runtime: Runtime;
  /** Milliseconds until the engine answered on its socket or pipe. */
  readonly startMs: number;
  /** Node's version and the platform, as the engine says. */
  readonly name: string;
  readonly backends: readonly ProbedBackend[];
  /** Why the program cannot run the engine; empty if it can. */
  readonly problem: string;
}

export interface ProbedBackend extends BackendReport {
  /** Milliseconds until the model was loaded and the goldens were computed; 0 where the backend is not usable. */
  readonly ms: number;
  /** Goldens that came out as they should. */
  readonly right: number;
}

export interface ProbeOptions {
  readonly launch: Launch;
  readonly allowSoftwareGpu: boolean;
  /** The folder of the starter model. */
  readonly model: string;
  readonly signal: AbortSignal;
}

/** An engine ends by itself once its last window has said goodbye. */
const END_MS = 5000;

/** `launch` names an address at which no other engine runs, with one runtime. Rejects once the signal aborts. */
export async function probeRuntime(runtime: Runtime, options: ProbeOptions): Promise<ProbedRuntime> {
  const startedMs = performance.now();
  const failed = (error: unknown): ProbedRuntime => ({
    ...{ runtime, startMs: performance.now() - startedMs, name: '', backends: [], problem: errorMessage(error) },
  });
  const { signal, allowSoftwareGpu } = options;
  const connecting = connectEngine({ ...options.launch, choice: { runtimes: [runtime], notes: [] } });
  let connected: Connected;
  try {
    connected = await abortable(connecting, signal);
  } catch (error) {
    if (!signal.aborted) return failed(error);
    // An engine that starts after all is not needed.
    connecting.then(({ client }) => client.goodbye('The self-test has ended.')).catch(() => {});
    throw error;
  }
  const startMs = performance.now() - startedMs;
  try {
    const report = await connected.client.call('doctor', { allowSoftwareGpu }, { signal });
    const backends: ProbedBackend[] = [];
    for (const each of report.backends) {
      if (each.backend !== 'reference') backends.push(await probeBackend(each, connected, options));
    }
    return { runtime, startMs, name: report.runtime, backends, problem: '' };
  } catch (error) {
    signal.throwIfAborted();
    return failed(error);
  } finally {
    connected.client.goodbye('The self-test is done.');
    await ended(connected.pid);
  }
}

/** Otherwise the next program would be found to run an engine that this one has started. */
async function ended(pid: number): Promise<void> {
  for (const endMs = performance.now() + END_MS; performance.now() < endMs; await delay(20)) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
  }
  process.kill(pid, 'SIGKILL');
}

async function probeBackend(
  report: BackendReport,
  { client }: Connected,
  { model, signal, allowSoftwareGpu }: ProbeOptions,
): Promise<ProbedBackend> {
  if (!report.usable) return { ...report, ms: 0, right: 0 };
  const startedMs = performance.now();
  const backend: Backend = report.backend;
  try {
    const { modelId } = await client.call('load', { model, backend, allowSoftwareGpu }, { signal });
    let right = 0;
    for (const { params, text } of GOLDENS) {
      const request = { ...params, modelId, sessionId: `self-test ${backend}` };
      if ((await client.call('complete', request, { signal })).text === text) right++;
    }
    return { ...report, ms: performance.now() - startedMs, right };
  } catch (error) {
    signal.throwIfAborted();
    return { ...report, usable: false, reason: errorMessage(error), ms: performance.now() - startedMs, right: 0 };
  }
}
