/**
 * Thousands of damaged files: each opens or is refused in one sentence. They are opened in a process of their own with a
 * small heap, which counts the memory that is claimed for buffers. This file is that process's program, too.
 * AIRGAP_DAMAGED_FILES sets their number.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sentencePieceMetadata } from '../../fixtures/tokenizers/gguf.ts';
import { PieceType } from '../../../engine/tokenizer/sentencepiece/piece.ts';
import { type MetadataValue, f32, ggufBytes } from '../../support/engine/ggufFile.ts';
import { mutate } from '../../support/engine/mutations.ts';
import { countBuffers, openEverything, refusal, runWithHeap } from '../../support/engine/openEverything.ts';
import { tinyGguf, vector } from '../../support/engine/tinyGguf.ts';
import { TINY_CONFIG, TinyFolder, safetensors, tinyTensors } from '../../support/engine/tinyModel.ts';

const pieces = [
  ...[['<unk>', PieceType.Unknown] as const, ['<s>', PieceType.Control] as const, ['</s>', PieceType.Control] as const],
  ...['\u2581', 'a', 'b', 'ab', '\u2581a', '\u2581ab', 'c', 'd'].map((text) => [text, PieceType.Normal] as const),
].map(([text, type], i) => ({ text, type, score: -i, rstrip: false }));

/** The files that are damaged, and how many of their bytes are header. */
const FORMATS: Readonly<Record<string, () => { name: string; bytes: Uint8Array; headerBytes: number }>> = {
  GGUF: () => {
    const vocabulary = Object.fromEntries(sentencePieceMetadata(pieces)) as Record<string, MetadataValue>;
    const general = { ...vocabulary, 'tokenizer.ggml.eos_token_id': 2, 'general.sampling.temp': f32(0.5) };
    const metadata = { 'rope.scaling.original_context_length': 64, 'rope.scaling.attn_factor': f32(1.1) };
    const factors = ['short', 'long'].map((name) => vector(`rope_factors_${name}.weight`, [1, 1, 1, 1, 1, 1, 1, 1]));
    const content = tinyGguf('phi3', { general, metadata, tensors: factors });
    const headerBytes = ggufBytes({
      ...content,
      tensors: content.tensors.map((each) => ({ ...each, bytes: new Uint8Array(0) })),
    });
    return { name: 'tiny.gguf', bytes: ggufBytes(content), headerBytes: headerBytes.length };
  },
  safetensors: () => {
    // Small, because writing the files takes most of the time.
    const sizes = { hidden_size: 32, intermediate_size: 32, num_attention_heads: 2, vocab_size: 32 };
    const bytes = Buffer.from(safetensors(tinyTensors({ ...TINY_CONFIG, ...sizes }), 'BF16'));
    return { name: 'model.safetensors', bytes, headerBytes: 8 + Number(bytes.readBigUInt64LE(0)) };
  },
};
const FILES = Number(process.env['AIRGAP_DAMAGED_FILES'] ?? 1200);

interface Report {
  opened: number;
  refused: number;
  /** Kinds of damage that were refused at least once. */
  kinds: string[];
  /** Most bytes that were claimed for buffers while one file was opened. */
  mostBytes: number;
  /** What ended in another way. */
  wrong: string[];
}

async function openDamaged(format: string): Promise<Report> {
  const { name, bytes: file, headerBytes } = FORMATS[format]!();
  const folder = TinyFolder.model();
  const path = format === 'GGUF' ? join(folder.path, name) : folder.path;
  const report: Report = { opened: 0, refused: 0, kinds: [], mostBytes: 0, wrong: [] };
  const kinds = new Set<string>();
  const claimed = countBuffers();
  writeFileSync(join(folder.path, name), file);
  await openEverything(path);
  for (let seed = 1; seed <= FILES; seed++) {
    const { kind, bytes } = mutate(file, headerBytes, seed);
    writeFileSync(join(folder.path, name), bytes);
    const before = claimed();
    try {
      await openEverything(path);
      report.opened++;
    } catch (error) {
      report.refused++;
      kinds.add(kind);
      if (refusal(error) === undefined) report.wrong.push(`${seed}, ${kind}: ${String((error as Error).stack)}`);
    }
    report.mostBytes = Math.max(report.mostBytes, claimed() - before);
  }
  folder.remove();
  return { ...report, kinds: [...kinds], wrong: report.wrong.slice(0, 5) };
}

if (typeof describe === 'undefined') {
  console.log(JSON.stringify(await openDamaged(process.argv[2]!)));
} else {
  describe('damaged files', function () {
    this.timeout(120_000);
    for (const format of Object.keys(FORMATS)) {
      it(`${FILES} of ${format}: each opens or is refused in one sentence, within a heap of 32 MB`, async () => {
        const script = fileURLToPath(import.meta.url);
        const { opened, refused, kinds, mostBytes, wrong } = await runWithHeap<Report>(32, script, format);
        assert.deepEqual(wrong, []);
        assert.equal(opened + refused, FILES);
        assert.ok(refused > FILES / 2, `${refused} were refused`);
        assert.ok(kinds.length >= 11, `damage of these kinds was refused: ${kinds.join(', ')}`);
        // The header twice over (an index, a header) is below 1 MB; the files have 0.3 MB.
        assert.ok(mostBytes < 1 << 20, `${mostBytes} bytes were claimed for one file`);
      });
    }
  });
}
