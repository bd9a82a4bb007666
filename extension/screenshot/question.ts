/** The first question: the picture where the model sees pictures, else the text in it. */
import * as vscode from 'vscode';
import type { ChatImage, ChatSource } from '../../engine/wire/protocol.ts';
import type { ChatModel } from '../engine/engine.ts';
import { hideSecrets } from '../reading/secrets.ts';
import type { Picture } from '../pictures/picture.ts';
import type { Target } from './prompts/target.ts';

export interface QuestionHost {
  readonly model: Pick<ChatModel, 'imageCosts'>;
  /** The text in a picture, as it was read or as the user has corrected it. */
  textIn(picture: Picture, signal: AbortSignal): Promise<string>;
}

export interface Question {
  readonly instruction: string;
  readonly image: ChatImage | undefined;
  readonly sources: readonly ChatSource[];
  /** What the user should know about it, a sentence each. */
  readonly notes: readonly string[];
}

/** Rejects with a sentence if the model neither sees the picture nor can be told what stands in it. */
export async function questionAbout(
  picture: Picture,
  { instruction, sources, languageId }: Target,
  host: QuestionHost,
  signal: AbortSignal,
): Promise<Question> {
  const { t } = vscode.l10n;
  const notes = sources.length > 0 ? [t('In the style of {0}.', sources.at(-1)!.name)] : [];
  if (sources.length > 0 && languageId.endsWith('react')) {
    notes.push(t('What it imports of the project is shown as boxes in the preview.'));
  }
  const costs = await host.model.imageCosts(picture, signal);
  if (costs.length > 0) return { instruction, image: { type: 'image', file: picture.file }, sources, notes };
  const text = hideSecrets((await host.textIn(picture, signal)).trim());
  if (text === '') {
    throw new Error(t('The model of the chat sees no pictures, and this one has no text that could be read.'));
  }
  const words = text.split(/\s+/).length;
  return {
    instruction:
      `You cannot see the picture, but ${picture.name} above has its texts, in lines from top to bottom. Its size is ` +
      `${picture.width} × ${picture.height} pixels. Choose a layout and colours that fit these texts. ${instruction}`,
    image: undefined,
    sources: [...sources, { name: picture.name, text }],
    notes: [
      t('The model of the chat sees no pictures: it was given only the text in this one ({0} words).', words),
      ...notes,
    ],
  };
}
