/** Connects Screenshot to Code with the rest of the extension. */
import * as vscode from 'vscode';
import type { CodeBlocks } from '../edits/vscode/codeBlocks.ts';
import type { Engine } from '../engine/engine.ts';
import type { Picture, Pictures } from '../pictures/picture.ts';
import type { Settings } from '../settings.ts';
import { ScreenshotToCode } from './screenshotToCode.ts';

export interface CreateScreenshotHost {
  readonly context: vscode.ExtensionContext;
  readonly engine: Engine;
  readonly chat: { readonly pictures: Pictures };
  readonly blocks: CodeBlocks;
  /** The document with the text of a picture. */
  readonly texts: { documentOf(picture: Picture, signal: AbortSignal): Promise<vscode.Uri> };
  readonly log: vscode.LogOutputChannel;
  settings(): Settings;
}

export function createScreenshot(host: CreateScreenshotHost): ScreenshotToCode {
  const { context, engine, chat, blocks, log, settings, texts } = host;
  return new ScreenshotToCode({
    extension: context.extensionUri,
    model: engine.chatModel,
    pictures: chat.pictures,
    settings,
    textIn: async (picture, signal) =>
      (await vscode.workspace.openTextDocument(await texts.documentOf(picture, signal))).getText(),
    addFile: (path, code) => blocks.proposeFile(path, code),
    closed: (sessionId) => engine.closed(sessionId),
    log: (message) => log.warn(message),
  });
}
