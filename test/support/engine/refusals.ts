import assert from 'node:assert/strict';
import { BadModel } from '../../../engine/errors.ts';
import { TinyFolder } from './tinyModel.ts';

/** Runs with a folder that is removed afterwards. */
export async function withFolder(use: (folder: TinyFolder) => Promise<void>): Promise<void> {
  const folder = new TinyFolder();
  try {
    await use(folder);
  } finally {
    folder.remove();
  }
}

/** Rejects with one sentence of BadModel. */
export async function refuses(opening: Promise<unknown>, says: RegExp): Promise<void> {
  await assert.rejects(opening, (error: Error) => {
    assert.ok(error instanceof BadModel, error.stack);
    assert.match(error.message, says);
    assert.match(error.message, /^[^\n]+[.?]$/);
    return true;
  });
}
