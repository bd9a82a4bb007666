/** The thread that reads the text of one picture, and ends. No vscode. */
import { readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { decodePng } from '../../engine/vision/png.ts';
import { errorMessage } from '../common/errorMessage.ts';
import { withoutBars } from './bars.ts';
import { enlarge, enlargement, textHeight } from './enlarge.ts';
import { inkOf } from './ink.ts';
import { layOut } from './layout.ts';
import type { FromThread, PictureText, ThreadData } from './protocol.ts';
import { recognise } from './tesseract.ts';

const data = workerData as ThreadData;
const say = (message: FromThread): void => parentPort!.postMessage(message);

// The user's own work goes first. Only on Linux does the priority apply to this thread alone, not to the whole host.
if (process.platform === 'linux') setPriority(0, 10);
void read().then(
  (read) => say({ read }),
  (error: unknown) => say({ problem: errorMessage(error) }),
);

async function read(): Promise<PictureText> {
  const ink = inkOf(decodePng(readFileSync(data.file), basename(data.file)));
  const picture = enlarge(ink, enlargement(ink));
  const { letters, underscores } = withoutBars(picture, textHeight(picture));
  const { lines, confidence } = await recognise(letters, { ...data, onProgress: (progress) => say({ progress }) });
  return { text: layOut(lines, picture, underscores), confidence };
}
