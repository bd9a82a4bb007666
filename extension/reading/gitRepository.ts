/** What a repository says about its own files. No vscode. */
import { childOf, type FileSystem } from '../files/fileSystem.ts';
import { NOTHING_TRACKED, type TrackedPaths, trackedPaths } from './gitIndex.ts';

export interface Repository {
  readonly folder: string;
  /** Whether patterns match without regard to case: `core.ignorecase`, else as this platform's file systems do. */
  readonly ignoreCase: boolean;
  /** The text of `info/exclude`. */
  readonly exclude: string;
  readonly tracked: TrackedPaths;
}

/** The repository whose top is `folder`; undefined if none is. */
export async function repositoryAt(files: FileSystem, folder: string): Promise<Repository | undefined> {
  const dotGit = childOf(folder, '.git');
  const found = await files.stat(dotGit);
  if (!found || found.kind === 'other') return undefined;
  const text = async (path: string): Promise<string> => new TextDecoder().decode((await files.read(path)) ?? undefined);
  // In a work tree or submodule `.git` is a file that names the folder.
  const named = found.kind === 'file' ? /^gitdir:\s*(.+?)\s*$/m.exec(await text(dotGit))?.[1] : undefined;
  const own = named === undefined ? dotGit : resolved(folder, named);
  const shared = (await text(childOf(own, 'commondir'))).trim();
  const common = shared === '' ? own : resolved(own, shared);
  const config = await text(childOf(common, 'config'));
  const ignoreCase = settingOf(config, 'core', 'ignorecase');
  const index = await files.read(childOf(own, 'index'));
  const hashBytes = settingOf(config, 'extensions', 'objectformat') === 'sha256' ? 32 : 20;
  return {
    folder,
    ignoreCase: ignoreCase === undefined ? process.platform !== 'linux' : /^(true|yes|on|1|)$/i.test(ignoreCase),
    exclude: await text(childOf(common, 'info/exclude')),
    tracked: index ? trackedPaths(index, hashBytes) : NOTHING_TRACKED,
  };
}

/** The last value of a setting in a git config file. */
function settingOf(config: string, section: string, key: string): string | undefined {
  let current = '';
  let value: string | undefined;
  for (const line of config.split('\n')) {
    current = /^\s*\[([\w.-]+)\s*\]/.exec(line)?.[1]?.toLowerCase() ?? (/^\s*\[/.test(line) ? '' : current);
    const [, name, said = ''] = /^\s*([\w-]+)\s*(?:=\s*([^#;]*))?/.exec(line) ?? [];
    if (current === section && name?.toLowerCase() === key) value = said.trim().replace(/^"|"$/g, '');
  }
  return value;
}

/** `path` from `folder`; may be absolute, also with a drive. */
function resolved(folder: string, path: string): string {
  const slashed = path.replaceAll('\\', '/');
  const absolute = /^[a-z]:\//i.test(slashed) ? `/${slashed}` : slashed;
  const parts = (absolute.startsWith('/') ? absolute : childOf(folder, absolute)).split('/');
  const result: string[] = [];
  for (const part of parts) {
    if (part === '..') result.pop();
    else if (part !== '.' && part !== '') result.push(part);
  }
  return `${absolute.startsWith('//') ? '//' : '/'}${result.join('/')}`;
}
