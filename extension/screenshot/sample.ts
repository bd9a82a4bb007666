/** Chooses the component that shows how a project writes its components. Pure. */
import * as z from 'zod';

const manifest = z.object({
  dependencies: z.record(z.string(), z.unknown()).default({}),
  devDependencies: z.record(z.string(), z.unknown()).default({}),
});

const FRAMEWORKS: readonly { packages: readonly string[]; endings: readonly string[] }[] = [
  { packages: ['vue', 'nuxt'], endings: ['.vue'] },
  { packages: ['svelte'], endings: ['.svelte'] },
  { packages: ['@angular/core'], endings: ['.component.ts'] },
  { packages: ['astro'], endings: ['.astro'] },
  { packages: ['react', 'preact', 'next', 'solid-js'], endings: ['.tsx', '.jsx'] },
];

const LANGUAGES: Readonly<Record<string, string>> = {
  tsx: 'typescriptreact',
  jsx: 'javascriptreact',
  ts: 'typescript',
};

/** The endings of the project's components by what its package.json lists; HTML where that says nothing. */
export function componentEndings(packageJson: string): string[] {
  const { dependencies, devDependencies } = manifestOf(packageJson);
  const listed = new Set([...Object.keys(dependencies), ...Object.keys(devDependencies)]);
  const framework = FRAMEWORKS.find(({ packages }) => packages.some((name) => listed.has(name)));
  return [...(framework?.endings ?? ['.html'])];
}

/** VS Code's identifier for the language of a component. */
export function languageOf(path: string): string {
  const ending = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  return LANGUAGES[ending] ?? ending;
}

/** A component that is neither a test nor an entry; those in folders for components come first, then short paths. */
export function bestSample<T extends { readonly name: string }>(files: readonly T[]): T | undefined {
  const score = ({ name }: T): number => {
    const [path, lower] = [name.split('/'), name.toLowerCase()];
    if (/\b(test|tests|spec|stories|story|__tests__|__mocks__|e2e|examples?)\b/.test(lower)) return -1000 - path.length;
    const inFolder = /(^|\/)(components?|widgets?|ui)\//.test(lower) ? 100 : 0;
    const isEntry = /^(main|index|app|_app|_document|layout|root)\b/.test(path.at(-1)!.toLowerCase()) ? 50 : 0;
    return inFolder - isEntry - path.length;
  };
  return [...files].sort((a, b) => score(b) - score(a) || (a.name < b.name ? -1 : 1))[0];
}

/** A package.json that makes no sense lists nothing. */
function manifestOf(text: string): z.output<typeof manifest> {
  try {
    return manifest.parse(JSON.parse(text));
  } catch {
    return manifest.parse({});
  }
}
