/** The index in memory: its files, and the segments with their chunks. No vscode, no disk. */
import { mergeSegments, type Segment } from './segment.ts';

export interface IndexedFile {
  readonly id: number;
  readonly mtimeMs: number;
  readonly size: number;
}

/** The part of the index that is saved. */
export interface IndexData {
  readonly files: readonly (readonly [file: string, id: number, mtimeMs: number, size: number])[];
  readonly segments: readonly Segment[];
}

/** Number of segments of similar size that are merged: small merges take little memory for their copies. */
const MERGED_SEGMENTS = 8;
/** Smaller segments all belong to the first tier. */
const SMALL_BYTES = 1 << 15;

export class ProjectIndex {
  readonly #files = new Map<string, IndexedFile>();
  readonly #fileOf = new Map<number, string>();
  #segments: Segment[] = [];
  #nextId = 1;

  static from({ files, segments }: IndexData): ProjectIndex {
    const index = new ProjectIndex();
    for (const [file, id, mtimeMs, size] of files) index.#set(file, { id, mtimeMs, size });
    index.#segments = [...segments];
    return index;
  }

  get data(): IndexData {
    return {
      files: [...this.#files].map(([file, { id, mtimeMs, size }]) => [file, id, mtimeMs, size] as const),
      segments: this.#segments,
    };
  }
  get segments(): readonly Segment[] {
    return this.#segments;
  }
  get files(): ReadonlyMap<string, IndexedFile> {
    return this.#files;
  }
  get chunks(): number {
    return this.#segments.reduce((sum, { dead }) => sum + dead.length, 0);
  }
  /** The memory that the segments take, in bytes. */
  get bytes(): number {
    const arrays = this.#segments.flatMap(({ files, first, last, sizes, dead, terms, offsets, postings }) => [
      ...[files, first, last, sizes, dead, terms, offsets, postings],
    ]);
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** The files without a chunk: they have no text. */
  get withoutText(): string[] {
    const ids = new Set(this.#segments.flatMap(({ files, dead }) => [...files.filter((_, chunk) => !dead[chunk])]));
    return [...this.#files].filter(([, { id }]) => !ids.has(id)).map(([file]) => file);
  }

  fileOf(id: number): string | undefined {
    return this.#fileOf.get(id);
  }

  /** A new id for a file that is about to be analysed; its older chunks stay until `commit`. */
  newId(): number {
    return this.#nextId++;
  }

  /** Adds a segment with the files that were analysed for it; their older chunks become dead. */
  commit(segment: Segment | undefined, files: readonly (readonly [file: string, entry: IndexedFile])[]): void {
    this.remove(files.map(([file]) => file));
    for (const [file, entry] of files) this.#set(file, entry);
    if (segment && segment.files.length > 0) this.#segments.push(segment);
    this.#compact();
  }

  remove(files: readonly string[]): void {
    const gone = new Set<number>();
    for (const file of files) {
      const entry = this.#files.get(file);
      if (!entry) continue;
      gone.add(entry.id);
      this.#files.delete(file);
      this.#fileOf.delete(entry.id);
    }
    if (gone.size === 0) return;
    for (const { files, dead } of this.#segments) {
      for (let chunk = 0; chunk < files.length; chunk++) if (gone.has(files[chunk]!)) dead[chunk] = 1;
    }
  }

  #set(file: string, entry: IndexedFile): void {
    this.#files.set(file, entry);
    this.#fileOf.set(entry.id, file);
    this.#nextId = Math.max(this.#nextId, entry.id + 1);
  }

  /** Rewrites segments whose chunks are mostly dead, and merges segments of similar size if there are many. */
  #compact(): void {
    const isMostlyDead = ({ dead }: Segment): boolean => count(dead) > dead.length / 2;
    this.#segments = this.#segments.map((segment) => (isMostlyDead(segment) ? mergeSegments([segment]) : segment));
    this.#segments = this.#segments.filter(({ files }) => files.length > 0);
    for (let tier = 0; tier <= Math.max(...this.#segments.map(tierOf)); tier++) {
      const alike = this.#segments.filter((segment) => tierOf(segment) === tier);
      if (alike.length < MERGED_SEGMENTS) continue;
      this.#segments = [...this.#segments.filter((segment) => !alike.includes(segment)), mergeSegments(alike)];
    }
  }
}

/** The segments of a tier are as large as a merge of those of the tier before. */
function tierOf({ postings }: Segment): number {
  return Math.floor(Math.log(Math.max(postings.length / SMALL_BYTES, 1)) / Math.log(MERGED_SEGMENTS));
}

function count(flags: Uint8Array): number {
  let sum = 0;
  for (const flag of flags) sum += flag;
  return sum;
}
