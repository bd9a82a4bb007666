import { readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/**
 * Whether the manifest of a driver lies where Linux's Vulkan loader looks (its LoaderDriverInterface.md). Where there is
 * none, Dawn would find no adapter either, but only after it has loaded, with four lines of its own on standard error.
 */
export function hasVulkanDriver(env: NodeJS.ProcessEnv = process.env): boolean {
  const only = listOf(env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES']);
  const folders = only.length > 0 ? [] : configAndData(env).map((folder) => join(folder, 'vulkan/icd.d'));
  return [...only, ...listOf(env['VK_ADD_DRIVER_FILES']), ...folders].some(holdsManifest);
}

function configAndData(env: NodeJS.ProcessEnv): string[] {
  const home = env['HOME'] ?? homedir();
  return [
    env['XDG_CONFIG_HOME'] ?? join(home, '.config'),
    ...listOf(env['XDG_CONFIG_DIRS'] ?? '/etc/xdg'),
    '/usr/local/etc',
    '/etc',
    env['XDG_DATA_HOME'] ?? join(home, '.local/share'),
    ...listOf(env['XDG_DATA_DIRS'] ?? '/usr/local/share:/usr/share'),
    '/run/opengl-driver/share', // NixOS, whose loader is built to look there.
  ];
}

function listOf(paths: string | undefined): string[] {
  return (paths ?? '').split(delimiter).filter((path) => path !== '');
}

/** True for a manifest, and for a folder with one. */
function holdsManifest(path: string): boolean {
  try {
    return statSync(path).isDirectory() ? readdirSync(path).some((name) => name.endsWith('.json')) : true;
  } catch {
    return false;
  }
}
