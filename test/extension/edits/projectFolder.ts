/** A project in a folder of its own, opened in the editing stub, with the buttons of code blocks. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodeBlocks } from '../../../extension/edits/vscode/codeBlocks.ts';
import { Editing, realFolder } from '../../support/extension/editing.ts';

export class ProjectFolder implements Disposable {
  /** The folder around the project's, `project`. */
  readonly home = realFolder(mkdtempSync(join(tmpdir(), 'airgap-edits-')));
  readonly editing: Editing;
  readonly blocks: CodeBlocks;

  constructor() {
    mkdirSync(join(this.home, 'project'));
    this.editing = new Editing(join(this.home, 'project'));
    this.blocks = new CodeBlocks();
  }

  [Symbol.dispose](): void {
    this.blocks.dispose();
    this.editing[Symbol.dispose]();
    rmSync(this.home, { recursive: true });
  }
}
