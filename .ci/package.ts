/**
 * `npm run package [-- [--without-chat-model] TARGET ...]`: writes a .vsix per platform to dist/vsix, which contains that
 * platform's Dawn and Node and the small chat model, and a universal one with WASM only and without that model. Each is
 * staged in a temporary folder; .vscodeignore lists what goes in.
 */
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PackageManager, createVSIX, listFiles } from '@vscode/vsce';
import { bringChatModel, placeChatModel } from './chatModel.ts';
import { dawnFolder } from './natives.ts';
import { nodeBinary, root } from './nodeBinary.mjs';
import { buildProduct } from './steps.ts';

const NODE_MAJOR = 24;
const TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64', 'darwin-x64', 'universal'];

/** Packages the content of dist/, and the chat model's file if there is one, and returns the path of the .vsix. */
export async function packageTarget(target: string, chatModel?: string): Promise<string> {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const vsix = join(root, 'dist/vsix', `airgap-${manifest.version}-${target}.vsix`);
  const stage = mkdtempSync(join(tmpdir(), 'airgap-package-'));
  try {
    for (const file of await listFiles({ cwd: root, packageManager: PackageManager.None })) {
      // `npm start` has put the chat model there.
      if (file.endsWith('.gguf')) continue;
      mkdirSync(dirname(join(stage, file)), { recursive: true });
      copyFileSync(join(root, file), join(stage, file));
    }
    // Only a clone needs these; everything that runs is bundled.
    for (const key of ['scripts', 'bin', 'dependencies', 'devDependencies', 'allowScripts']) delete manifest[key];
    writeFileSync(join(stage, 'package.json'), JSON.stringify(manifest, null, 2));
    // `code --telemetry` looks for this file in the root.
    renameSync(join(stage, 'extension/telemetry.json'), join(stage, 'telemetry.json'));
    // Everything in the staging folder goes in.
    writeFileSync(join(stage, '.vscodeignore'), '');
    if (target !== 'universal') addNatives(stage, target);
    if (chatModel !== undefined) placeChatModel(chatModel, stage);
    mkdirSync(dirname(vsix), { recursive: true });
    await createVSIX({
      cwd: stage,
      packagePath: vsix,
      dependencies: false,
      allowMissingRepository: true,
      // The pictures are in the package; links to a repository would need a network.
      rewriteRelativeLinks: false,
      ...(target === 'universal' ? {} : { target }),
    });
    return vsix;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** Copies the Dawn and the Node of the target's platform, with their licences. */
export function addNatives(stage: string, target: string): void {
  cpSync(dawnFolder(target), join(stage, 'dist/webgpu', target), { recursive: true });
  const binary = nodeBinary(target, NODE_MAJOR);
  const folder = join(stage, 'dist/node', target);
  const place = join(folder, target.startsWith('win32') ? 'node.exe' : 'node');
  mkdirSync(folder, { recursive: true });
  copyFileSync(binary, place);
  chmodSync(place, 0o755);
  // The package for Windows lacks Node's licence, whose text is the same for all platforms.
  const licences = [binary, nodeBinary('linux-x64', NODE_MAJOR)].map((path) => join(dirname(path), '../LICENSE'));
  copyFileSync(licences.find(existsSync)!, join(folder, 'LICENSE'));
}

if (import.meta.main) {
  buildProduct();
  const { values, positionals: named } = parseArgs({
    options: { 'without-chat-model': { type: 'boolean' } },
    allowPositionals: true,
  });
  const targets = named.length > 0 ? named : TARGETS;
  const withChatModel = !values['without-chat-model'] && targets.some((target) => target !== 'universal');
  const chatModel = withChatModel ? bringChatModel() : undefined;
  if (withChatModel && chatModel === undefined) {
    console.error('The packages need the small chat model; --without-chat-model leaves it out.');
    process.exit(1);
  }
  for (const target of targets) {
    const vsix = await packageTarget(target, target === 'universal' ? undefined : chatModel);
    console.log(`${vsix} ${(statSync(vsix).size / 1e6).toFixed(1)} MB`);
  }
}
