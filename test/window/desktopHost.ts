/** VS Code on the desktop, for machines that have one: `npm run test:electron`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { _electron as electron } from 'playwright-core';
import { endProcesses, processTree } from '../../.ci/processes.ts';
import { type Host, type HostOptions, LOG_LEVEL } from './host.ts';

/** `executable` is VS Code's own program (Code.exe, Electron, code), not its command-line launcher. */
export async function startOnDesktop(executable: string, options: HostOptions): Promise<Host> {
  const { extension, folder, dataDir, extensionsDir, workspaceTrust } = options;
  const configure = (settings: Record<string, unknown>) => {
    mkdirSync(join(dataDir, 'User'), { recursive: true });
    writeFileSync(join(dataDir, 'User/settings.json'), JSON.stringify({ ...options.settings, ...settings }));
  };
  configure({});
  const application = await electron.launch({
    executablePath: executable,
    env: { ...process.env, ...options.env } as Record<string, string>,
    args: [
      folder,
      `--extensionDevelopmentPath=${extension}`,
      ...['--user-data-dir', dataDir, '--extensions-dir', extensionsDir, '--log', LOG_LEVEL],
      ...['--skip-welcome', '--skip-release-notes', '--disable-updates', '--disable-telemetry', '--no-sandbox'],
      ...(workspaceTrust ? [] : ['--disable-workspace-trust']),
    ],
  });
  const pid = application.process().pid!;
  return {
    openPage: () => application.firstWindow(),
    configure,
    processes: () => processTree(pid),
    [Symbol.asyncDispose]: async () => {
      const started = await processTree(pid);
      await application.close();
      await endProcesses(started.map((each) => each.pid));
    },
  };
}
