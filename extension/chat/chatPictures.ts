/** The pictures of a chat: what pages and files give goes into the draft, and from there into conversations. Pure. */
import type { PictureFromPage } from '../../webview/protocol.ts';
import { abortable } from '../common/abortable.ts';
import type { Translate } from '../common/translate.ts';
import { PictureExchange, type PictureExchangeHost } from '../pictures/pictureExchange.ts';
import { PictureStore } from '../pictures/pictureStore.ts';
import type { Attachment } from './context/attachment.ts';
import { pictureAttachment, withPictures } from './context/pictureFiles.ts';
import type { ControllerHost } from './controllerHost.ts';
import type { Draft } from './conversation/draft.ts';
import type { Page, Pages } from './page/pages.ts';

/** VS Code opens a view in less than a second; on a busy machine it takes more. */
const OPEN_LIMIT_MS = 60_000;

export interface ChatPicturesHost {
  /** Where the picture files lie. */
  readonly folder: string;
  readonly pages: Pages;
  readonly t: Translate;
  readonly readFile: PictureExchangeHost['readFile'];
  reveal(): Promise<void>;
  /** A function, because the controller is created with the pictures. */
  controller(): { attach(attachments: Attachment[]): void; picturesInUse(): Promise<ReadonlySet<string>> };
}

export function createPictures(
  host: ChatPicturesHost,
): Pick<ControllerHost, 'pictures' | 'pictureStore' | 'pictureFile'> {
  const { folder, pages, t, readFile, controller } = host;
  const store = new PictureStore({ folder, inConversations: () => controller().picturesInUse() });
  const pictures = new PictureExchange({
    store,
    t,
    readFile,
    attach: (picture) => controller().attach([pictureAttachment(picture)]),
    openPage: (signal) => openPage(host, signal),
  });
  pages.onRemoved = (page) => pictures.left(page);
  return { pictures, pictureStore: store, pictureFile: (hash) => store.fileOf(hash) };
}

/** Handles what a page says about pictures. Rejects with a sentence. */
export async function handlePicture(
  message: PictureFromPage,
  page: Page,
  { pictures, actions }: ControllerHost,
  draft: Draft,
): Promise<void> {
  switch (message.type) {
    case 'dropped':
      return addWithPictures(
        pictures,
        message.uris.map((uri) => actions.dropped(uri)),
        draft,
      );
    case 'pickPicture': {
      const uris = await actions.pickPictures();
      const files = uris.map((uri) => Promise.resolve<Attachment>({ kind: 'file', uri }));
      return addWithPictures(pictures, files, draft);
    }
    case 'limitCrops':
      return draft.limitCrops(message.chipId, message.mostCrops);
    default:
      return pictures.handle(message, page);
  }
}

/** Adds attachments to the draft, with the pictures among the files decoded. The next question waits for it. */
export function addWithPictures(
  pictures: PictureExchange,
  attachments: readonly Promise<Attachment>[],
  draft: Draft,
): Promise<void> {
  const adding = Promise.all(attachments).then((all) => withPictures(pictures, all, (ready) => draft.add(ready)));
  return draft.addLater(adding);
}

async function openPage({ pages, reveal, t }: ChatPicturesHost, signal: AbortSignal): Promise<Page> {
  if (pages.newest) return pages.newest;
  await reveal();
  const limit = AbortSignal.timeout(OPEN_LIMIT_MS);
  const failure = (): Error =>
    signal.aborted ? (signal.reason as Error) : new Error(t('The chat, which decodes pictures, did not open.'));
  return abortable(pages.shown(), AbortSignal.any([signal, limit]), failure);
}
