import { promptAt } from '../../../engine/completion/completeAt.ts';
import { cursorAt } from '../../../engine/completion/cursor.ts';
import { completionModel } from '../../../engine/document/completionModel.ts';
import type { LoadedModel } from '../../../engine/load/loadedModel.ts';
import type { CursorText } from '../../../engine/prompt/cursorText.ts';
import { textPrompt } from '../../../engine/prompt/prompt.ts';
import { TextStream } from '../../../engine/tokenizer/textStream.ts';

/** A function that has `model` write greedily at a cursor, without any rule, until `isEnough`. */
export function rawTexts(model: LoadedModel, newTokens: number, signal: AbortSignal) {
  const { tokenizer, model: described } = completionModel(model);
  const { generate } = model.createSession();
  return async (cursor: CursorText, isEnough: (text: string) => boolean = () => false): Promise<string> => {
    const prompt = promptAt(cursorAt(cursor), newTokens, { tokenizer, model: described });
    const { stopIds, newConstraint, removedTokens, removedBytes: skipBytes } = prompt;
    const options = {
      maxTokens: newTokens + removedTokens,
      stopIds,
      signal,
      ...(newConstraint && { constraint: newConstraint() }),
    };
    const stream = new TextStream(tokenizer, { skipBytes, dropLeadingSpace: false });
    let text = '';
    for await (const { id } of generate(textPrompt(prompt.ids), options)) {
      text += stream.push(id);
      if (isEnough(text)) break;
    }
    return text;
  };
}
