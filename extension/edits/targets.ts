/** Which file an answer means. Paths in answers are untrusted: they never lead out of the project's folders. No vscode. */
import { childOf, type FileSystem, isWithin, parentOf, relativeTo } from '../files/fileSystem.ts';
import type { Project, Root, Target } from './project.ts';

/** A longer list helps nobody to choose. */
const MAX_FILES = 20;

/**
 * The files that `path` may mean: those at that very path, otherwise those whose path ends with it, otherwise those at a
 * path that differs in upper and lower case alone, which answers often get wrong.
 */
export async function existingTargets<R extends Root>(path: string, project: Project<R>): Promise<Target<R>[]> {
  const direct = await inside(candidates(path, project.roots));
  const existing = await Promise.all(direct.map(async (target) => ((await exists(target)) ? [target] : [])));
  if (existing.flat().length > 0) return existing.flat();
  const relative = relativePath(path);
  const ending = relative === undefined ? [] : await inside(await project.filesEndingIn(relative, MAX_FILES));
  return ending.length > 0 ? ending : inside((await Promise.all(direct.map(inOtherCase))).flat());
}

/** The files of its folder that a path means where upper and lower case do not count. */
async function inOtherCase<R extends Root>({ root, path }: Target<R>): Promise<Target<R>[]> {
  let found = [root.path];
  for (const name of relativeTo(root.path, path).toLowerCase().split('/')) {
    const below = async (folder: string): Promise<string[]> =>
      (await root.files.list(folder))
        .filter((entry) => entry.name.toLowerCase() === name)
        .map((entry) => childOf(folder, entry.name));
    found = (await Promise.all(found.map(below))).flat();
  }
  return found.map((each) => ({ root, path: each }));
}

/** The places for a new file of that path: one per folder that may be meant, none if the path leads out of them. */
export function newTargets<R extends Root>(path: string, { roots }: Project<R>): Promise<Target<R>[]> {
  return inside(candidates(path, roots));
}

/** Whether a file lies in its root once all links are resolved; the file need not exist. */
export async function isInside({ root, path }: Target): Promise<boolean> {
  const [top, real] = await Promise.all([root.files.realPath(root.path), realPathOfNew(root.files, path)]);
  return top !== undefined && isWithin(real, top);
}

export async function exists({ root, path }: Target): Promise<boolean> {
  return (await root.files.stat(path)) !== undefined;
}

async function inside<R extends Root>(targets: readonly Target<R>[]): Promise<Target<R>[]> {
  const checked = await Promise.all(targets.map(async (target) => ((await isInside(target)) ? [target] : [])));
  return checked.flat();
}

/** The real path of the nearest folder that exists, followed by the rest of the path. */
async function realPathOfNew(files: FileSystem, path: string): Promise<string> {
  const real = await files.realPath(path);
  if (real !== undefined) return real;
  const parent = parentOf(path);
  if (parent === path) return path;
  return childOf(await realPathOfNew(files, parent), path.slice(childOf(parent, '').length));
}

function candidates<R extends Root>(path: string, roots: readonly R[]): Target<R>[] {
  const slashed = path.replaceAll('\\', '/');
  if (/^([a-z]:)?\//i.test(slashed)) {
    const absolute = slashed.startsWith('/') ? slashed : `/${slashed}`;
    if (hasDotDot(absolute)) return [];
    return roots
      .filter((root) => absolute !== root.path && isWithin(absolute, root.path))
      .map((root) => ({ root, path: absolute }));
  }
  const relative = relativePath(path);
  if (relative === undefined) return [];
  const [first, ...rest] = relative.split('/');
  const named = rest.length > 0 && roots.length > 1 ? roots.filter(({ name }) => name === first) : [];
  if (named.length > 0) return named.map((root) => ({ root, path: childOf(root.path, rest.join('/')) }));
  return roots.map((root) => ({ root, path: childOf(root.path, relative) }));
}

/** Undefined if the path is no relative one, or leads upwards. */
function relativePath(path: string): string | undefined {
  const relative = path
    .replaceAll('\\', '/')
    .replace(/^(\.\/)+/, '')
    .trim();
  const bad = relative === '' || relative.startsWith('/') || relative.endsWith('/') || hasDotDot(relative);
  // Control characters, and `:`, which names a drive, a scheme or a stream of a file.
  return bad || /[\p{Cc}:]/u.test(relative) ? undefined : relative;
}

function hasDotDot(path: string): boolean {
  return path.split('/').includes('..');
}
