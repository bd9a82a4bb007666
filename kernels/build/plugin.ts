/**
 * esbuild plugin for what the backends embed. `wasm-kernels:` with a way of summing (innerLoops/formats.ts) are the bytes of the WASM
 * kernels, compiled from wasm/assembly by AssemblyScript and cached by the hash of their sources; `thread:./FILE` is the
 * source text of a worker thread: FILE with its imports, bundled.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, type OnLoadResult, type Plugin, build } from 'esbuild';
import { type Simd, generateLevels } from './innerLoops/formats.ts';
import { generatePanels } from './innerLoops/panels.ts';
import { generateRows } from './innerLoops/rows.ts';
import { generateTiles } from './innerLoops/tiles.ts';

const here = path.dirname(fileURLToPath(import.meta.url));
const wasm = path.join(here, '../wasm');
const cache = path.join(here, '../../.cache/wasm-kernels');
const assembly = path.join(wasm, 'assembly');

export const kernelsPlugin: Plugin = {
  name: 'kernels',
  setup(builder) {
    builder.onResolve({ filter: /^wasm-kernels:/ }, ({ path: name }) => ({ path: name, namespace: 'kernels' }));
    builder.onResolve({ filter: /^thread:/ }, ({ path: name, resolveDir }) => ({
      path: path.join(resolveDir, name.slice('thread:'.length)),
      namespace: 'thread',
    }));
    builder.onLoad({ filter: /^wasm-kernels:/, namespace: 'kernels' }, async ({ path: name }) => ({
      contents: await compileKernels(name.slice('wasm-kernels:'.length) as Simd),
      loader: 'binary',
      watchDirs: [assembly, 'attention', 'matmul', 'pictures', 'rowwise'].map((name) => path.resolve(assembly, name)),
    }));
    builder.onLoad({ filter: /.*/, namespace: 'thread' }, async ({ path: file }) => bundleThread(file));
  },
};

/**
 * No optimiser: Binaryen's nests a block into one expression tree, V8 then computes all operands first and spills.
 * Memory is imported and shared; static data lies between the control block and the heap (opcodes.ts).
 */
const FLAGS = `--noAssert --runtime stub --importMemory --noExportMemory --sharedMemory --initialMemory 1
  --maximumMemory 65536 --memoryBase 4096 --enable simd --enable threads --use abort=
  --disableWarning`.split(/\s+/);

const compiled = new Map<string, Promise<Uint8Array>>();
/** The bytes of one variant; compiled once per process and content. */
function compileKernels(simd: Simd): Promise<Uint8Array> {
  const sources = readSources(simd);
  const compiler = fileURLToPath(import.meta.resolve('assemblyscript/package.json'));
  const { version } = JSON.parse(readFileSync(compiler, 'utf8')) as { version: string };
  const hash = createHash('sha256').update(JSON.stringify([version, FLAGS, simd, [...sources]]));
  const file = path.join(cache, `${simd}-${hash.digest('hex').slice(0, 24)}.wasm`);
  const bytes = compiled.get(file) ?? (existsSync(file) ? readFile(file) : compile(sources, simd, file));
  compiled.set(file, bytes);
  return bytes;
}

function readSources(simd: Simd): Map<string, string> {
  const names = readdirSync(assembly, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return new Map<string, string>([
    ...names.map((name): [string, string] => [
      name.replaceAll(path.sep, '/'),
      withDecorators(readFileSync(path.join(assembly, name), 'utf8')),
    ]),
    ['opcodes.ts', readFileSync(path.join(wasm, 'opcodes.ts'), 'utf8')],
    ['levels.ts', generateLevels()],
    ['panels.ts', generatePanels(simd)],
    ['rows.ts', generateRows(simd)],
    ['tiles.ts', generateTiles(simd)],
  ]);
}

/**
 * A line `// @inline` before a function stands for AssemblyScript's decorator of that name, which TypeScript does not
 * allow on functions: so editors, Prettier and ESLint can read the sources.
 */
function withDecorators(source: string): string {
  return source.replace(/^\/\/ (?=@inline$)/gm, '');
}

async function compile(sources: Map<string, string>, simd: Simd, file: string): Promise<Uint8Array> {
  const { default: asc } = await import('assemblyscript/asc');
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ['program.ts', ...FLAGS, ...(simd === 'plain' ? [] : ['--enable', 'relaxed-simd']), '-o', 'kernels.wasm'],
    {
      readFile: (name) => sources.get(path.posix.normalize(name)) ?? null,
      writeFile: (_name, contents) => void (bytes = contents as Uint8Array),
      listFiles: () => [],
    },
  );
  if (error || !bytes) throw new Error(`AssemblyScript failed: ${error?.message}\n${stderr}`);
  mkdirSync(cache, { recursive: true });
  // Two builds at once may both arrive here: a rename is never seen half-done.
  writeFileSync(`${file}.${process.pid}`, bytes);
  renameSync(`${file}.${process.pid}`, file);
  return bytes;
}

function bundleThread(file: string): Promise<OnLoadResult> {
  return bundledText(file, { platform: 'node', format: 'cjs', target: 'node20' });
}

/** A file with its imports, bundled, as text. */
export async function bundledText(
  file: string,
  options: Pick<BuildOptions, 'platform' | 'format' | 'target'>,
): Promise<OnLoadResult> {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints: [file],
    bundle: true,
    write: false,
    minify: true,
    metafile: true,
  });
  const watchFiles = Object.keys(metafile.inputs).map((name) => path.resolve(name));
  return { contents: outputFiles[0]!.text, loader: 'text', watchFiles };
}
