import { join } from 'node:path';
import * as vscode from 'vscode';
import { expandHome, type Settings } from '../../settings.ts';
import { PICTURE_TEXT_SCHEME, PictureTexts } from '../pictureTexts.ts';
import type { ReadTextOptions } from '../readText.ts';
import { TextDocuments, textDocumentUri } from './textDocuments.ts';

export interface PictureTextsHost {
  /** Of the stored pictures. */
  readonly folder: string;
  readonly extensionPath: string;
  settings(): Pick<Settings, 'pictures.languages' | 'pictures.languageFolder'>;
}

/** What is read from pictures in this window. */
export interface WindowPictureTexts extends vscode.Disposable {
  readonly options: Omit<ReadTextOptions, 'signal' | 'onProgress'>;
  /** The document with the text of a stored picture, which is read now if it has not been. Rejects with a sentence. */
  documentOf(picture: { readonly hash: string; readonly name: string }, signal: AbortSignal): Promise<vscode.Uri>;
}

export function createPictureTexts({ folder, extensionPath, settings }: PictureTextsHost): WindowPictureTexts {
  const options = (): WindowPictureTexts['options'] => ({
    folder: join(extensionPath, 'dist'),
    languages: settings()['pictures.languages'],
    languageFolder: expandHome(settings()['pictures.languageFolder']),
  });
  const texts = new PictureTexts(options);
  const documents = vscode.workspace.registerFileSystemProvider(PICTURE_TEXT_SCHEME, new TextDocuments(folder), {
    isCaseSensitive: true,
  });
  return {
    get options() {
      return options();
    },
    documentOf: async ({ hash, name }, signal) => {
      await texts.textFile(join(folder, `${hash}.png`), signal);
      return textDocumentUri(hash, name);
    },
    dispose: () => {
      texts.dispose();
      documents.dispose();
    },
  };
}
