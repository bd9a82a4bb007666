import * as z from 'zod';
import { readJsonFile } from '../../../engine/cli/readFiles.ts';
import { BadRequest } from '../../../engine/errors.ts';

const recordingSchema = z.object({
  commit: z.string(),
  files: z.array(
    z.object({
      name: z.string(),
      text: z.string(),
      edits: z.array(z.object({ at: z.int().min(0), remove: z.int().min(0), insert: z.string() })),
    }),
  ),
});

/** An editing session as test/fixtures/edits/make.mjs records it. */
export type Recording = z.infer<typeof recordingSchema>;

/** Rejects with BadRequest when the file cannot be read or is not a recording. */
export async function readRecording(path: string): Promise<Recording> {
  const parsed = recordingSchema.safeParse(await readJsonFile(path));
  if (!parsed.success) throw new BadRequest(`${path} is not a recorded editing session.`);
  return parsed.data;
}
