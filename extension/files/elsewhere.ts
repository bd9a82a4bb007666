/**
 * Paths of files that are not in this computer's file system and that only VS Code can read, such as those of WSL, SSH,
 * containers and virtual workspaces: "//memfs:authority/project/a.ts". No path of this computer has that form. Pure.
 */

/** The parts of a URI that lead to a file. */
export interface Address {
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

export function pathElsewhere({ scheme, authority, path }: Address): string {
  return `//${scheme}:${encodeURIComponent(authority)}${path}`;
}

/** Undefined for a path of this computer. */
export function addressElsewhere(path: string): Address | undefined {
  const [, scheme, authority, rest = '/'] = /^\/\/([a-z][\w+.-]*):([^/]*)(\/.*)?$/is.exec(path) ?? [];
  return scheme === undefined ? undefined : { scheme, authority: decodeURIComponent(authority!), path: rest };
}
