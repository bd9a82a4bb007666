/** From written code to a page for the sandboxed frame, or to a sentence on why there is none. */
import { t } from '../texts.ts';
import type { PreviewState } from './protocol.ts';
import { reactPage } from './react/reactPage.ts';
import { sandboxedDocument } from './sandbox.ts';

export type Rendered =
  | { readonly page: string }
  /** `needsScripts`: there would be a page if scripts were allowed. */
  | { readonly sentence: string; readonly needsScripts?: boolean };

/** Resolves with undefined where code that is still being written makes no sense yet. */
export async function rendered(
  code: string,
  { preview, scripts, writing }: Pick<PreviewState, 'preview' | 'scripts' | 'writing'>,
): Promise<Rendered | undefined> {
  if (code.trim() === '') return { sentence: t('Nothing is written yet.') };
  if (preview === 'none') {
    return {
      sentence: t('There is no preview for this language: add the code to your project, and look at it there.'),
    };
  }
  let html = code;
  if (preview === 'react') {
    if (!scripts)
      return { sentence: t('A component is a script: it is shown once scripts are allowed.'), needsScripts: true };
    try {
      html = reactPage(code);
    } catch (error) {
      if (writing) return undefined;
      return { sentence: t('The code has an error: {0}', error instanceof Error ? error.message : String(error)) };
    }
  }
  const page = await sandboxedDocument(html, scripts);
  return page === '' ? { sentence: t('This code cannot be shown.') } : { page };
}
