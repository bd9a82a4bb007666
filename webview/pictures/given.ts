/** What the user pastes or drops: files of the browser, or addresses of files that only the host can read. */

export interface GivenHost {
  files(files: File[]): void;
  uris(uris: string[]): void;
  /** Something that can be taken is dragged over the page, or no longer is. */
  dragging(over: boolean): void;
}

/** VS Code's own list, which also has the files of remote machines. */
const CODE_URIS = 'application/vnd.code.uri-list';
const URIS = 'text/uri-list';

/** Listens on the document, whatever has the focus or lies under the pointer. */
export function acceptGiven(document: Document, host: GivenHost): void {
  document.addEventListener('paste', (event) => {
    const files = event.clipboardData ? pastedFiles(event.clipboardData) : [];
    if (files.length === 0) return;
    event.preventDefault();
    host.files(files);
  });
  for (const type of ['dragenter', 'dragover'] as const) {
    document.addEventListener(type, (event) => {
      if (!event.dataTransfer || !isOfFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      host.dragging(true);
    });
  }
  document.addEventListener('dragleave', (event) => {
    // Without a related target, the pointer leaves the page and not only one of its elements.
    if (event.relatedTarget === null) host.dragging(false);
  });
  document.addEventListener('drop', (event) => {
    host.dragging(false);
    if (!event.dataTransfer || !isOfFiles(event.dataTransfer)) return;
    event.preventDefault();
    const { files } = event.dataTransfer;
    const uris = droppedUris(event.dataTransfer);
    if (uris.length > 0) host.uris(uris);
    else host.files(Array.from(files));
  });
}

/** Spreadsheets and word processors put a picture of the copied text beside it; then the text is meant. */
function pastedFiles(data: DataTransfer): File[] {
  const isRichText = data.getData('text/plain') !== '' && data.getData('text/html') !== '';
  return isRichText ? [] : Array.from(data.files);
}

function isOfFiles({ types }: DataTransfer): boolean {
  return [CODE_URIS, URIS, 'Files'].some((type) => types.includes(type));
}

/** Addresses of the web are no files: nothing is loaded from a network. Lines that begin with # are comments. */
function droppedUris(data: DataTransfer): string[] {
  const lines = (data.getData(CODE_URIS) || data.getData(URIS)).split(/\r?\n/);
  return lines.filter((line) => URL.canParse(line) && !/^(#|https?:|data:|blob:|about:|javascript:)/i.test(line));
}
