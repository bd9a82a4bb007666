import { homedir } from 'node:os';
import { posix, resolve, win32 } from 'node:path';

/** Where models are kept, as absolute paths. */
export interface StorePlaces {
  /** The user's own store. */
  readonly folder: string;
  /** An administrator's store, which is only read. */
  readonly sharedFolder: string;
}

/** What the default places depend on. */
export interface PlacesHost {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The places that the user names, in an option or in AIRGAP_STORE and AIRGAP_SHARED_STORE, or else the system's places
 * for local data: none of them is copied to other machines with the user's profile.
 */
export function storePlaces(named: Partial<StorePlaces> = {}, host: PlacesHost = thisHost()): StorePlaces {
  const { env } = host;
  const folder = named.folder || env['AIRGAP_STORE'];
  const sharedFolder = named.sharedFolder || env['AIRGAP_SHARED_STORE'];
  return {
    folder: folder ? resolve(folder) : defaultFolder(host),
    sharedFolder: sharedFolder ? resolve(sharedFolder) : defaultSharedFolder(host),
  };
}

function thisHost(): PlacesHost {
  return { platform: process.platform, home: homedir(), env: process.env };
}

function defaultFolder({ platform, home, env }: PlacesHost): string {
  if (platform === 'win32') return win32.join(env['LOCALAPPDATA'] || win32.join(home, 'AppData', 'Local'), 'airgap');
  if (platform === 'darwin') return posix.join(home, 'Library/Application Support/airgap');
  const data = env['XDG_DATA_HOME'];
  // The specification of XDG's folders: a relative path is to be ignored.
  return posix.join(data && posix.isAbsolute(data) ? data : posix.join(home, '.local/share'), 'airgap');
}

function defaultSharedFolder({ platform, env }: PlacesHost): string {
  if (platform === 'win32') return win32.join(env['ProgramData'] || 'C:\\ProgramData', 'airgap');
  return platform === 'darwin' ? '/Library/Application Support/airgap' : '/usr/share/airgap';
}
