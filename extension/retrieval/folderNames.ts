/** Names by which a person tells the folders of a workspace apart. Pure. */

interface NamedFolder {
  readonly name: string;
  /** Absolute, with slashes. */
  readonly path: string;
}

/** The folders' own names; where several are equal, as much of their paths as differs: "shop/app" and "bank/app". */
export function distinctNames(folders: readonly NamedFolder[]): string[] {
  return folders.map(({ name, path }) => {
    const others = folders.filter((other) => other.name === name && other.path !== path);
    if (others.length === 0) return name;
    const parts = path.split('/').filter(Boolean);
    for (let count = 2; count <= parts.length; count++) {
      const ending = parts.slice(-count).join('/');
      if (others.every((other) => !other.path.endsWith(`/${ending}`))) return ending;
    }
    return path;
  });
}
