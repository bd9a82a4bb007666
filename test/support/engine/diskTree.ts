import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { thisDisk } from '../../../engine/discovery/disk.ts';
import type { Computer } from '../../../engine/discovery/search.ts';
import { writeGguf } from './ggufFile.ts';
import { tinyGguf } from './tinyGguf.ts';

/** A folder of our own in which a user's home is laid out as other programs lay it out; `remove` ends it. */
export class DiskTree {
  readonly root = mkdtempSync(join(tmpdir(), 'airgap-tree-'));
  readonly home = this.path('home');

  /** Absolute path of a place in the tree. */
  path(...names: string[]): string {
    return join(this.root, ...names);
  }

  file(path: string, content: string | Uint8Array = 'GGUF'): string {
    const whole = this.path(path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, content);
    return whole;
  }

  json(path: string, value: unknown): string {
    return this.file(path, JSON.stringify(value));
  }

  /** A GGUF file of a few kilobytes that can be opened. */
  model(path: string, ...[architecture = 'llama', options = {}]: Partial<Parameters<typeof tinyGguf>>): string {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    return writeGguf(this.path(path), tinyGguf(architecture, options));
  }

  /** A link to a target that is relative to the link's folder. */
  link(path: string, target: string): string {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    symlinkSync(target, this.path(path));
    return this.path(path);
  }

  computer(platform: NodeJS.Platform = 'linux', env: Record<string, string> = {}): Computer {
    return { platform, home: this.home, env, disk: thisDisk };
  }

  /** Names, kinds, sizes and times of change of everything in the tree. */
  snapshot(): string[] {
    return readdirSync(this.root, { recursive: true, encoding: 'utf8' })
      .sort()
      .map((name) => {
        const info = lstatSync(this.path(name));
        const target = info.isSymbolicLink() ? readlinkSync(this.path(name)) : '';
        return [name, info.mode, info.size, info.mtimeMs, info.ctimeMs, target].join(' ');
      });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
