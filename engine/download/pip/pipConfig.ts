/**
 * Where the user's pip takes packages from, by its own files and variables, for machines without Python. What counts, and in
 * which order, is as in pip's `_internal/configuration.py`. No index is built in.
 */
import { readFile, stat } from 'node:fs/promises';
import { devNull } from 'node:os';
import { posix, win32 } from 'node:path';

export interface PipConfig {
  /** Addresses of package indexes, the main one first. */
  indexes: string[];
  /** `host` or `host:port` whose certificates are not checked, because the user said so. */
  trustedHosts: string[];
  /** Path of a PEM file with the only certificates to trust. */
  cert?: string;
  proxy?: string;
}

/** The machine that the configuration is read on. */
export interface Machine {
  platform: NodeJS.Platform;
  home: string;
  env: NodeJS.ProcessEnv;
  /** Where the system's own configuration lies on Linux. */
  etc?: string;
}

/** Reads pip's configuration files and variables; files that are missing or cannot be read count as empty. */
export async function readPipConfig(machine: Machine): Promise<PipConfig> {
  const settings = new Map<string, string[]>();
  for (const path of await configFiles(machine)) {
    const text = await readFile(path, 'utf8').catch(() => '');
    for (const [name, values] of parsePipIni(text)) settings.set(name, values);
  }
  for (const [name, value] of Object.entries(machine.env)) {
    if (/^PIP_/i.test(name) && value) settings.set(keyOf(name.slice('PIP_'.length)), words(value));
  }
  const first = (name: string) => settings.get(name)?.[0];
  const isWithoutIndex = /^(1|y|yes|t|true|on)$/i.test(first('no-index') ?? '');
  const [cert, proxy] = [first('cert'), first('proxy')];
  const mains = settings.get('index-url')?.slice(0, 1) ?? [];
  return {
    indexes: isWithoutIndex ? [] : [...mains, ...(settings.get('extra-index-url') ?? [])],
    trustedHosts: settings.get('trusted-host') ?? [],
    ...(cert && { cert }),
    ...(proxy && { proxy }),
  };
}

/** Every place of a configuration file, the ones that count more later. */
async function configFiles({ platform, home, env, etc = '/etc' }: Machine): Promise<string[]> {
  const { join } = platform === 'win32' ? win32 : posix;
  const named = env['PIP_CONFIG_FILE'];
  if (named === devNull) return [];
  const name = platform === 'win32' ? 'pip.ini' : 'pip.conf';
  const global = {
    win32: [join(env['PROGRAMDATA'] ?? 'C:\\ProgramData', 'pip')],
    darwin: ['/Library/Application Support/pip'],
  }[platform as string] ?? [
    ...(env['XDG_CONFIG_DIRS'] ?? `${etc}/xdg`)
      .split(':')
      .filter(Boolean)
      .map((folder) => join(folder, 'pip')),
    etc,
  ];
  const application = join(home, 'Library/Application Support/pip');
  const isMacFolder = platform === 'darwin' && (await stat(application).catch(() => undefined))?.isDirectory();
  const user =
    platform === 'win32'
      ? [join(home, 'pip'), join(env['APPDATA'] ?? join(home, 'AppData', 'Roaming'), 'pip')]
      : [join(home, '.pip'), isMacFolder ? application : join(env['XDG_CONFIG_HOME'] ?? join(home, '.config'), 'pip')];
  const hasNamed = named !== undefined && (await stat(named).catch(() => undefined)) !== undefined;
  const site = env['VIRTUAL_ENV'] ? [env['VIRTUAL_ENV']] : [];
  const folders = [...global, ...(hasNamed ? [] : user), ...site];
  return [...folders.map((folder) => join(folder, name)), ...(hasNamed ? [named] : [])];
}

/**
 * The settings that apply to `pip download`, by their long name, from a file as Python's configparser reads it: values go on
 * in indented lines. What stands under [download] counts more than what stands under [global].
 */
export function parsePipIni(text: string): Map<string, string[]> {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  let key: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[([^\]]+)\]/.exec(line);
    const setting = /^([^\s#;=:][^=:]*)[=:](.*)$/.exec(line);
    if (header) {
      section = sections.get(header[1]!) ?? new Map<string, string>();
      sections.set(header[1]!, section);
      key = undefined;
    } else if (setting) {
      key = keyOf(setting[1]!.trim());
      section?.set(key, setting[2]!);
    } else if (key && /^\s+[^\s#;]/.test(line)) {
      section?.set(key, `${section.get(key)} ${line}`);
    }
  }
  const counting = ['global', 'download'].flatMap((name) => [...(sections.get(name) ?? [])]);
  return new Map(counting.map(([name, value]) => [name, words(value)]));
}

/** pip takes `extra_index_url`, `Extra-Index-URL` and `--extra-index-url` as one name. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll('_', '-').replace(/^--/, '');
}

function words(value: string): string[] {
  return value.split(/\s+/).filter(Boolean);
}
