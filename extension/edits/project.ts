/** The folders of the project, as the rules of apply see them in VS Code and in the terminal alike. Pure. */
import type { FileSystem } from '../files/fileSystem.ts';

/** A folder of the project. */
export interface Root {
  /** The name by which the user tells several folders apart. */
  readonly name: string;
  readonly path: string;
  readonly files: FileSystem;
}

/** A file that a code block may mean, whether it exists or not. */
export interface Target<R extends Root = Root> {
  readonly root: R;
  /** Absolute path. */
  readonly path: string;
}

export interface Project<R extends Root = Root> {
  readonly roots: readonly R[];
  /** At most `most` files in the roots whose path ends in `/` and `ending`. */
  filesEndingIn(ending: string, most: number): Promise<readonly Target<R>[]>;
}
