/** Files that only VS Code can read: the thread of the index asks the extension host for them. No vscode. */
import { addressElsewhere } from '../files/elsewhere.ts';
import type { FileSystem } from '../files/fileSystem.ts';

/** A call of a FileSystem's function, as the thread sends it. */
export interface FileCall {
  readonly what: keyof FileSystem;
  readonly path: string;
}

/** This computer's files by `own`; `ask` gives the host's answers for others, with null for undefined. */
export function withHostFiles(own: FileSystem, ask: (call: FileCall) => Promise<unknown>): FileSystem {
  const call = <W extends keyof FileSystem>(what: W, path: string): ReturnType<FileSystem[W]> => {
    type Result = ReturnType<FileSystem[W]>;
    if (!addressElsewhere(path)) return own[what](path) as Result;
    return ask({ what, path }).then((answer) => answer ?? undefined) as Result;
  };
  return {
    stat: (path) => call('stat', path),
    list: (folder) => call('list', folder),
    read: (path) => call('read', path),
    realPath: (path) => call('realPath', path),
  };
}
