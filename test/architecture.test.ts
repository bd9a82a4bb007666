/** ARCHITECTURE.md's tables are rules; each of these tests enforces one kind of them on the whole tree. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chain, circles, files, parse, sources } from './support/architecture/imports.ts';
import { covers, doorTable, folderTable, governing, quoted } from './support/architecture/tables.ts';

/** The most files that may lie directly in a folder; the first row that matches wins. */
const MOST_FILES: [folder: RegExp, most: number][] = [
  [/^(engine|kernels)$/, 6],
  [/^extension$/, 10],
  [/./, 25],
];
const MOST_LINES = 400;

/** Modules and globals that ARCHITECTURE.md's table of doors must cover; it may cover more. */
const DOORS = [
  ...['node:net', 'node:http', 'node:https', 'node:http2', 'node:tls', 'node:dgram', 'vscode-jsonrpc/node'],
  ...['fetch', 'XMLHttpRequest', 'WebSocket', 'EventSource', 'sendBeacon'],
  ...['node:child_process', 'node:cluster', 'Worker', 'createRequire'],
];

/** Modules that open or accept sockets. */
const SOCKETS = ['node:net', 'node:http', 'node:https', 'node:http2', 'node:tls', 'node:dgram'];

/** Names by which code reaches clock and process without an import. */
const IMPURE = ['process', 'Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'crypto', 'navigator'];

const folderOf = (file: string) => (file.includes('/') ? dirname(file) : '');
const folders = [...new Set(files.map(folderOf))];

describe('architecture', () => {
  /** Whether the table lets a file import a module. */
  const allowed = (file: string, module: string): boolean => {
    const row = governing(folderTable(), file);
    return row !== undefined && [...row.names, ...row.mayImport].some((name) => covers(name, module));
  };

  it('every import is one that the table of folders allows', () => {
    const refused = sources.flatMap(({ file, imports }) =>
      imports.filter((module) => !allowed(file, module)).map((module) => `${file} -> ${module}`),
    );
    assert.deepEqual(refused, [], "ARCHITECTURE.md's table does not allow these");
  });

  it('every folder has a row, every row a folder, and every permission is used', () => {
    const table = folderTable();
    const rooms = folders.filter((folder) =>
      /^(kernels|engine|extension)\/[^/]+$|^(webview|media|test|\.ci)$/.test(folder),
    );
    const named = table.flatMap(({ names }) => names);
    const missing = rooms.filter((room) => !named.includes(`${room}/`));
    assert.deepEqual(missing, [], 'folders without a row');
    const empty = named.filter((name) => !files.some((file) => covers(name, file)));
    assert.deepEqual(empty, [], 'rows without a folder');
    const unused = table.flatMap((row) => {
      const imported = sources.filter(({ file }) => governing(table, file) === row).flatMap(({ imports }) => imports);
      const names = row.mayImport.filter((name) => !imported.some((module) => covers(name, module)));
      return names.map((name) => `${row.names.join(', ')} -> ${name}`);
    });
    assert.deepEqual(unused, [], 'permissions that nothing uses');
  });

  it('the table refuses what it should', () => {
    for (const [file, module] of [
      ['kernels/ops.ts', 'engine/wire/protocol.ts'],
      ['kernels/reference/linear.ts', 'kernels/gpu/gpuOps.ts'],
      ['engine/inference/session.ts', 'kernels/gpu/gpuOps.ts'],
      ['engine/inference/session.ts', 'vscode'],
      ['engine/models/llama.ts', 'node:fs'],
      ['engine/wire/protocol.ts', 'engine/inference/generationTypes.ts'],
      ['engine/serve/server.ts', 'extension/settings.ts'],
      ['engine/cli/main.ts', 'vscode'],
      ['engine/cli/main.ts', 'test/bench/page.ts'],
      ['extension/engine/engine.ts', 'engine/inference/session.ts'],
      ['extension/retrieval/query.ts', 'extension/chat/context/attachment.ts'],
      ['extension/retrieval/query.ts', 'vscode'],
      ['extension/edits/lines.ts', 'vscode'],
      ['extension/main.ts', 'test/support/close.ts'],
      ['webview/state.ts', 'extension/settings.ts'],
      ['webview/state.ts', 'node:fs'],
    ] as const) {
      assert.ok(!allowed(file, module), `${file} -> ${module}`);
    }
  });

  it('no import leads back to its file', () => {
    assert.deepEqual(circles(), [], 'circles of imports');
  });

  it('what may not import vscode reaches it through no other file', () => {
    const reaching = sources.flatMap(({ file }) => {
      const found = allowed(file, 'vscode') ? undefined : chain(file, (module) => module === 'vscode');
      return found ? [found.join(' -> ')] : [];
    });
    assert.deepEqual(reaching, []);
  });

  it('only the files that the table of doors names reach for sockets, processes, threads and native code', () => {
    const doors = doorTable();
    const covered = doors.flatMap(({ what }) => quoted(what));
    assert.deepEqual(
      DOORS.filter((name) => !covered.includes(name)),
      [],
      'ways out that no row covers',
    );
    for (const { what, files: listed } of doors) {
      const reaching = sources.filter(({ imports, names }) =>
        quoted(what).some((name) => names.has(name) || imports.some((module) => covers(name, module))),
      );
      assert.deepEqual(reaching.map(({ file }) => file).sort(), [...listed].sort(), what);
    }
  });

  it('what opens or accepts a socket counts it', () => {
    const opening = sources.filter(({ imports }) => imports.some((module) => SOCKETS.includes(module)));
    const uncounted = opening.filter(({ names }) => !names.has('countConnection')).map(({ file }) => file);
    // It makes agents for nodeHttp.ts, which counts.
    assert.deepEqual(uncounted, ['engine/download/terminalHttp.ts']);
  });

  it('one file of the engine names the backends, beside the protocol and the terminal program', () => {
    const naming = sources.filter(({ file, names }) => /^engine\/(?!wire|cli)/.test(file) && names.has("'wasm'"));
    assert.deepEqual(
      naming.map(({ file }) => file),
      ['engine/load/openBackend.ts'],
    );
  });

  it("what may import nothing of Node's touches no disk, clock or process", () => {
    const pure = sources.filter(({ file }) => /^(kernels|engine)\//.test(file) && !allowed(file, 'node:fs'));
    assert.ok(pure.length > 50, String(pure.length));
    const touching = pure.flatMap(({ file, names }) =>
      IMPURE.filter((name) => names.has(name)).map((name) => `${file}: ${name}`),
    );
    assert.deepEqual(touching, []);
  });

  it('no folder is a heap of files', () => {
    const heaps = folders.flatMap((folder) => {
      const count = files.filter(
        (file) => folderOf(file) === folder && !/\/(README\.md|tsconfig\.json)$/.test(file),
      ).length;
      const most = MOST_FILES.find(([pattern]) => pattern.test(folder))?.[1] ?? 25;
      return count > most ? [`${folder}: ${count} files, at most ${most}`] : [];
    });
    assert.deepEqual(heaps, []);
  });

  it("test/ mirrors the product's folders", () => {
    const mirrors = folders.filter((folder) => /^test\/(kernels|engine|extension|webview)(\/|$)/.test(folder));
    assert.deepEqual(
      mirrors.filter((folder) => !folders.some((each) => `${each}/`.startsWith(`${folder.slice('test/'.length)}/`))),
      [],
    );
  });

  it(`no file of ours has more than ${MOST_LINES} lines`, () => {
    const code = files.filter(
      (file) => /\.(tsx?|mjs|cjs|js|wgsl|py|c|css|html)$/.test(file) && !/^(test\/fixtures|media)\//.test(file),
    );
    assert.deepEqual(
      code.filter((file) => readFileSync(file, 'utf8').trimEnd().split('\n').length > MOST_LINES),
      [],
    );
  });

  it('the parser sees every kind of import', () => {
    const text = `import a from './a.ts'; import type { B } from '../b.ts'; export * from 'c'; export { d } from "d";
      const e = import('./e.ts'); type F = import('./f.ts').F; import 'g'; const text = "from 'h'"; // from 'i'
      new Worker(g); fetch('j');`;
    const { imports, names } = parse('x/y.ts', text);
    assert.deepEqual(imports, ['x/a.ts', 'b.ts', 'c', 'd', 'x/e.ts', 'x/f.ts', 'g']);
    assert.ok(names.has('Worker') && names.has('fetch') && !names.has('h'));
    assert.ok(names.has("'j'"));
  });
});
