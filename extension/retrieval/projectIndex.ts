/** The index in memory: which files it holds, and the segments with their chunks. No vscode, no disk. */
import { mergeSegments, type Segment } from './segment.ts';

export interface IndexedFile {
  readonly id: number;
  readonly mtimeMs: number;
  readonly size: number;
}

/** What is kept between starts. */
export interface IndexData {
  readonly files: readonly (readonly [file: string, id: number, mtimeMs: number, size: number])[];
  readonly segments: readonly Segment[];
}

/** So many segments of like size become one: small merges, whose copies take little memory. */
const MERGED_SEGMENTS = 8;
/** Smaller ones are all of the first tier. */
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
  /** Of the segments. */
  get bytes(): number {
    const arrays = this.#segments.flatMap(({ files, first, last, sizes, dead, terms, offsets, postings }) => [
      ...[files, first, last, sizes, dead, terms, offsets, postings],
    ]);
    return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  fileOf(id: number): string | undefined {
    return this.#fileOf.get(id);
  }

  /** A new id for a file that is about to be read; what was known of it stays until `commit`. */
  newId(): number {
    return this.#nextId++;
  }

  /** Takes a segment over, with the files that were read for it; their older chunks die. */
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

  /** Rewrites segments that are mostly dead, and joins those of like size where there are many. */
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

/** Each is as large as a merge of the one before. */
function tierOf({ postings }: Segment): number {
  return Math.floor(Math.log(Math.max(postings.length / SMALL_BYTES, 1)) / Math.log(MERGED_SEGMENTS));
}

function count(flags: Uint8Array): number {
  let sum = 0;
  for (const flag of flags) sum += flag;
  return sum;
}
