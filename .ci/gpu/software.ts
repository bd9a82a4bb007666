/**
 * Vulkan drivers that compute on the CPU, so that WebGPU is tested on machines without a GPU: Chromium's SwiftShader, and
 * Mesa's lavapipe, which unlike it has f16 and subgroups of 8.
 *   npm run software-gpu -- lavapipe COMMAND ...     runs COMMAND with this driver alone; COMMAND may be another npm script
 *   npm run software-gpu -- swiftshader COMMAND ...
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheDir } from '../nodeBinary.mjs';

/** Where Chromium has its driver, and a Vulkan loader. */
const CHROMIUM = '/usr/lib/chromium';

export const SWIFTSHADER = onlyDriver(join(CHROMIUM, 'vk_swiftshader_icd.json'), [CHROMIUM]);

const SECONDS_TO_DOWNLOAD = 120;

/**
 * The environment in which lavapipe is the only driver: that of the system, or else Debian's, unpacked into the cache; or
 * why there is none, in one sentence.
 */
export function lavapipe(): NodeJS.ProcessEnv | string {
  const folder = join(cacheDir, 'lavapipe');
  const found = [...globSync('/usr/share/vulkan/icd.d/lvp_icd*.json'), ...manifestsIn(folder)];
  const manifest = found.find(isNewEnough) ?? download(folder);
  if (manifest === undefined)
    return "lavapipe of Mesa 25 is not installed (mesa-vulkan-drivers), and Debian's could not be downloaded";
  // A system's own manifest names a library that its loader finds; ours names a path.
  const libraries = [dirname(libraryOf(manifest)), CHROMIUM].filter((folder) => folder !== '.');
  // It takes seconds to compile some shaders.
  const MESA_SHADER_CACHE_DIR = join(cacheDir, 'lavapipe-shaders');
  return { ...onlyDriver(manifest, libraries), MESA_SHADER_CACHE_DIR };
}

function onlyDriver(manifest: string, libraries: readonly string[]): NodeJS.ProcessEnv {
  return {
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
    LD_LIBRARY_PATH: libraries.join(':'),
    // llama.cpp takes a device that computes on the CPU only where it is named.
    GGML_VK_VISIBLE_DEVICES: '0',
  };
}

function manifestsIn(folder: string): string[] {
  return globSync(join(folder, 'lvp_icd*.json'));
}

/** Dawn gets no adapter from Mesa 22, which Debian 12 has; Mesa 25 offers Vulkan 1.4, as its manifest says. */
function isNewEnough(manifest: string): boolean {
  const { api_version } = JSON.parse(readFileSync(manifest, 'utf8')).ICD;
  return Number(api_version.split('.')[1]) >= 4;
}

function libraryOf(manifest: string): string {
  return JSON.parse(readFileSync(manifest, 'utf8')).ICD.library_path;
}

/**
 * Unpacks Debian's packages into a folder, without installing them, and returns the driver's manifest there. apt checks
 * their signatures and sums. Debian 12 has a new Mesa in its backports, which this machine's own mirror has, too.
 */
function download(folder: string): string | undefined {
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  const archives = downloadPackages(join(unfinished, 'apt'), ['mesa-vulkan-drivers', 'libvulkan1']);
  const root = join(unfinished, 'root');
  if (!archives.every((archive) => succeeds('dpkg', ['-x', archive, root]))) return undefined;
  const [manifest] = globSync(join(root, 'usr/share/vulkan/icd.d/lvp_icd*.json'));
  const [library] = globSync(join(root, 'usr/lib/*/libvulkan_lvp.so'));
  if (!manifest || !library || !isNewEnough(manifest)) return undefined;
  const { ICD, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'));
  const placed = { ICD: { ...ICD, library_path: library.replace(unfinished, folder) }, ...rest };
  writeFileSync(join(unfinished, basename(manifest)), JSON.stringify(placed));
  rmSync(join(unfinished, 'apt'), { recursive: true });
  rmSync(folder, { recursive: true, force: true });
  renameSync(unfinished, folder);
  return manifestsIn(folder)[0];
}

/** The archives of Debian's packages and of what they need and this machine lacks; none where apt does not get them. */
function downloadPackages(folder: string, packages: readonly string[]): string[] {
  const { ID, VERSION_CODENAME: codename } = osRelease();
  const sources = '/etc/apt/sources.list.d/debian.sources';
  if (ID !== 'debian' || !existsSync(sources)) return [];
  console.log(`Downloading lavapipe (Debian's ${packages[0]}) ...`);
  for (const each of ['lists/partial', 'cache/archives/partial', 'sources'])
    mkdirSync(join(folder, each), { recursive: true });
  const updates = new RegExp(`^(Suites: .*${codename}-updates)$`, 'm');
  const withBackports = readFileSync(sources, 'utf8').replace(updates, `$1 ${codename}-backports`);
  writeFileSync(join(folder, 'sources/debian.sources'), withBackports);
  const places = {
    'Dir::State::lists': join(folder, 'lists'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourceparts': join(folder, 'sources'),
    'Dir::Etc::sourcelist': '/dev/null',
  };
  const options = Object.entries(places).flatMap(([name, path]) => ['-o', `${name}=${path}`]);
  const apt = (...args: string[]): boolean => succeeds('apt-get', ['-qq', ...options, ...args]);
  const install = ['install', '-y', '--no-install-recommends', '--download-only', '-t', `${codename}-backports`];
  return apt('update') && apt(...install, ...packages) ? globSync(join(folder, 'cache/archives/*.deb')) : [];
}

function succeeds(program: string, args: readonly string[]): boolean {
  const { status } = spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 1000 * SECONDS_TO_DOWNLOAD,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

function osRelease(): Record<string, string> {
  if (!existsSync('/etc/os-release')) return {};
  const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^(\w+)="?([^"\n]*)"?$/gm);
  return Object.fromEntries([...lines].map(([, name, value]) => [name!, value!]));
}

if (import.meta.main) {
  const [driver, command, ...args] = process.argv.slice(2);
  const env = driver === 'swiftshader' ? SWIFTSHADER : driver === 'lavapipe' ? lavapipe() : 'there is no such driver';
  if (typeof env === 'string' || !command) {
    console.error(typeof env === 'string' ? `${driver}: ${env}` : 'Name a command, too.');
    process.exit(1);
  }
  process.exit(spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1);
}
