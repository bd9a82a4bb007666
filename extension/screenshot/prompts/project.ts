/** A component as the open project has them. Pure. */
import { LOOK, type Target } from './target.ts';

/** What was read of the project. */
export interface ProjectStyle {
  readonly manifest: { readonly name: string; readonly text: string } | undefined;
  /** A component of the project; its folder is where the new one goes. */
  readonly sample: { readonly name: string; readonly text: string; readonly languageId: string };
}

export function projectTarget({ manifest, sample }: ProjectStyle): Target {
  const ending = /(\.component)?\.\w+$/.exec(sample.name)?.[0] ?? '';
  const folder = sample.name.slice(0, sample.name.lastIndexOf('/') + 1);
  const lowerCase = /^[a-z]/.test(sample.name.slice(folder.length));
  return {
    languageId: sample.languageId,
    path: `${folder}${lowerCase ? 'screenshot' : 'Screenshot'}${ending}`,
    instruction:
      `Write one component that looks like the picture. ${LOOK} ` +
      `Write it as this project does: ${sample.name} above is one of its components. Use the same language, framework, ` +
      'way of styling, kinds of imports, naming and indentation' +
      `${manifest ? `, and no package that ${manifest.name} does not list` : ''}.`,
    sources: [manifest, sample].flatMap((file) => (file ? [{ name: file.name, text: file.text }] : [])),
  };
}
