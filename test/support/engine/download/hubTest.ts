/** A store and a hub of one test, and a download from the one into the other. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatalogueEntry } from '../../../../engine/download/catalogue.ts';
import { downloadModel, type DownloadOptions, type DownloadPlan } from '../../../../engine/download/downloadModel.ts';
import { nodeHttp } from '../../../../engine/download/nodeHttp.ts';
import type { DownloadProgress } from '../../../../engine/download/sources.ts';
import { openStore, type Store } from '../../../../engine/store/store.ts';
import { type Answer, cdnAnswer, hubAnswer, type HubFiles, Servers } from './servers.ts';

export const REPOSITORY = 'maker/model-gguf';

export class HubTest {
  readonly servers = new Servers();
  readonly folder = mkdtempSync(join(tmpdir(), 'airgap-download-'));
  readonly plans: DownloadPlan[] = [];
  readonly progress: DownloadProgress[] = [];
  store!: Store;
  hub = '';
  cdn = '';

  /** `hub` and `cdn` answer before the files do. */
  static async start(files: HubFiles, { hub, cdn, states }: { hub?: Answer; cdn?: Answer; states?: boolean } = {}) {
    const test = new HubTest();
    test.store = await openStore({ folder: join(test.folder, 'store'), sharedFolder: join(test.folder, 'none') });
    test.cdn = await test.servers.start('cdn', either(cdn, cdnAnswer(files)));
    test.hub = await test.servers.start(
      'hub',
      either(
        hub,
        hubAnswer(REPOSITORY, files, () => test.cdn, states),
      ),
    );
    return test;
  }

  download(entry: CatalogueEntry, options: Partial<DownloadOptions> = {}) {
    return downloadModel(entry, {
      store: this.store,
      http: nodeHttp(),
      address: this.hub,
      signal: new AbortController().signal,
      confirm: (plan) => {
        this.plans.push(plan);
        return Promise.resolve(true);
      },
      onProgress: (progress) => this.progress.push(progress),
      ...options,
    });
  }

  /** Names in the hidden folder of an unfinished download. */
  left(name: string): string[] {
    return readdirSync(join(this.store.folder, 'models', `.${name}.partial`)).sort();
  }

  /** Bytes of `model.gguf` that an unfinished download has written. */
  partBytes(name: string): number {
    const part = join(this.store.folder, 'models', `.${name}.partial`, 'model.gguf.part');
    return statSync(part, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** The ranges that were asked for, in order; "all" for a request without one. */
  ranges(server = 'cdn'): string[] {
    return this.servers.requests
      .filter((request) => request.server === server && request.method === 'GET')
      .map(({ headers }) => headers.range ?? 'all');
  }

  close(): void {
    this.servers.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function either(first: Answer | undefined, second: Answer): Answer {
  return async (request, response) => (await first?.(request, response)) || second(request, response);
}

/** An entry of one GGUF file, `model.gguf`. */
export function ggufEntry(known: { bytes?: number; sha256?: string } = {}): CatalogueEntry {
  const file = { path: 'model.gguf', ...known };
  return { kind: 'files', name: 'Model', licence: 'MIT', gated: false, repository: REPOSITORY, files: [file] };
}
