/** Reads attachments as the chat does, in a workspace in memory. */
import { WorkspaceContext } from '../../../extension/chat/context/workspaceContext.ts';
import type { Attachment, Source } from '../../../extension/chat/context/attachment.ts';
import type { Hit } from '../../../extension/retrieval/projectSearch.ts';
import { readSettings } from '../../../extension/settings.ts';
import { Uri } from '../../support/extension/vscodeStub.ts';

const never = new AbortController().signal;

interface Options {
  excluded?: string[];
  hits?: Partial<Hit>[];
  question?: string;
  signal?: AbortSignal;
}

/** Reads an attachment; files are below file:///project. */
export function read(attachment: Attachment, options: Options = {}): Promise<Source[]> {
  const { settings } = readSettings(() => undefined);
  const reader = new WorkspaceContext({
    settings: options.excluded ? { 'files.exclude': options.excluded } : settings,
    search: {
      search: () => Promise.resolve((options.hits ?? []) as Hit[]),
      status: '',
      onDidChangeStatus: () => ({ dispose() {} }),
    },
    // A picture is read into a document that is named after it.
    pictureText: ({ name }) => Promise.resolve(Uri.parse(uriOf(`${name}.txt`)) as never),
  });
  return reader.read(attachment, options.question ?? '', options.signal ?? never);
}

export const uriOf = (path: string): string => Uri.parse(`file:///project/${path}`).toString();
export const file = (path: string): Attachment => ({ kind: 'file', uri: uriOf(path) });
export const folder = (path: string): Attachment => ({ kind: 'folder', uri: uriOf(path) });
export const lines = (path: string, firstLine: number, lastLine: number): Attachment => ({
  kind: 'selection',
  uri: uriOf(path),
  firstLine,
  lastLine,
});
