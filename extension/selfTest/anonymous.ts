/** Takes out of a report what names a person, a machine or a place on it. Pure. */

export interface Names {
  /** Folders and programs, such as the home directory; the longest are replaced first. */
  readonly paths: readonly string[];
  readonly user: string;
  readonly host: string;
}

export function anonymous(text: string, { paths, user, host }: Names): string {
  let result = text;
  const known = paths.flatMap((path) => [path, path.replaceAll('\\', '/')]).filter((path) => path.length > 1);
  for (const path of [...new Set(known)].sort((a, b) => b.length - a.length)) {
    result = result.replaceAll(new RegExp(`${literal(path)}[^\\s'"\`,;()]*`, 'gi'), '<path>');
  }
  result = result.replace(WINDOWS_PATH, '<path>').replace(PATH, '$1<path>');
  for (const [name, shown] of [
    [user, '<user>'],
    [host, '<host>'],
  ] as const) {
    // Shorter names are words of any text.
    if (name.length > 2) result = result.replace(new RegExp(`\\b${literal(name)}\\b`, 'gi'), shown);
  }
  return result;
}

const WINDOWS_PATH = /(?:\b[a-z]:[\\/]|\\\\)[^\s'"`,;()]*/gi;
/** Not the slash in "tokens/s" or in "</file>". */
const PATH = /(^|[\s'"`(=:])(?:~|file:\/\/)?\/[^\s'"`,;()]+/gm;

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
