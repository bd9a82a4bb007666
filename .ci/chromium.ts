/** The browser that shows VS Code's window in tests. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser's path, or undefined. CHROMIUM can name one in another place. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM ?? '', ...PLACES].find(existsSync);
}

/**
 * On Debian or Ubuntu as root, installs what is missing of Chromium, a font and the Vulkan loader (Chromium's software
 * GPU runs our WebGPU tests). Elsewhere, throws an error that says what to install.
 */
export function ensureChromium(): void {
  if (findChromium() && (process.platform !== 'linux' || hasVulkanLoader())) return;
  const help =
    'The window tests need Chromium: install it (Debian: apt-get install chromium fonts-dejavu-core libvulkan1), or name it in CHROMIUM.';
  if (findChromium() && process.getuid?.() !== 0) return; // Without the loader the WebGPU tests are skipped, and say so.
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(help);
  console.log('Installing chromium and a font (apt-get) ...');
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('update');
  apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core', 'libvulkan1');
  if (!findChromium()) throw new Error(help);
}

function hasVulkanLoader(): boolean {
  const { stdout } = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' });
  return /libvulkan\.so\.1/.test(stdout ?? '');
}
