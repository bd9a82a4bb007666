/** The browser that shows VS Code's window in tests. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser's path, or undefined. CHROMIUM names one in another place. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM ?? '', ...PLACES].find(existsSync);
}

/** Installs chromium and a font by apt where this runs as root on Debian or Ubuntu; otherwise throws what to do. */
export function ensureChromium(): void {
  if (findChromium()) return;
  const help =
    'The window tests need Chromium: install it (Debian: apt-get install chromium fonts-dejavu-core), or name it in CHROMIUM.';
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(help);
  console.log('Installing chromium and a font (apt-get) ...');
  const apt = (...args: string[]) =>
    spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  apt('update');
  apt('install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core');
  if (!findChromium()) throw new Error(help);
}
