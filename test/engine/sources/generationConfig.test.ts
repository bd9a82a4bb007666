import assert from 'node:assert/strict';
import { parseGenerationConfig } from '../../../engine/sources/generationConfig.ts';
import type { SamplingDefaults } from '../../../engine/wire/protocol.ts';
import { GREEDY_SAMPLING } from '../../support/engine/greedySampling.ts';

describe('sampling by generation_config.json', () => {
  const files: [json: object | undefined, want: SamplingDefaults][] = [
    [undefined, GREEDY_SAMPLING],
    [{ eos_token_id: 2 }, GREEDY_SAMPLING],
    // transformers warns of these values and does not sample.
    [{ temperature: 0.7, top_p: 0.8 }, GREEDY_SAMPLING],
    [
      { do_sample: false, temperature: 0.7, repetition_penalty: 1.1 },
      { ...GREEDY_SAMPLING, repetitionPenalty: 1.1 },
    ],
    [{ do_sample: true }, { temperature: 1, topP: 1, topK: 50, minP: 0, repetitionPenalty: 1 }],
    [
      { do_sample: true, temperature: 0.7, top_p: 0.8, top_k: 20, repetition_penalty: 1.05 },
      { temperature: 0.7, topP: 0.8, topK: 20, minP: 0, repetitionPenalty: 1.05 },
    ],
    [
      { do_sample: true, temperature: null, top_k: 0, top_p: null, min_p: 0.05 },
      { temperature: 1, topP: 1, topK: 0, minP: 0.05, repetitionPenalty: 1 },
    ],
    [
      { do_sample: true, top_p: 0 },
      { temperature: 1, topP: 1, topK: 1, minP: 0, repetitionPenalty: 1 },
    ],
  ];
  for (const [json, want] of files) {
    it(JSON.stringify(json) ?? 'no file', () => assert.deepEqual(parseGenerationConfig(json).sampling, want));
  }

  const bad: [json: object, says: string][] = [
    [{ do_sample: 'yes' }, 'do_sample is neither true nor false'],
    [{ temperature: -1 }, 'temperature is not a number from 0 to 10'],
    [{ temperature: '0.7' }, 'temperature is not a number from 0 to 10'],
    [{ top_p: 1.5 }, 'top_p is not a number from 0 to 1'],
    [{ top_k: 2.5 }, 'top_k is not a whole number from 0'],
    [{ min_p: 2 }, 'min_p is not a number from 0 to 1'],
    [{ repetition_penalty: 0 }, 'repetition_penalty is not a number from 0.1 to 10'],
  ];
  for (const [json, says] of bad) {
    it(`refuses ${JSON.stringify(json)}`, () =>
      assert.throws(() => parseGenerationConfig(json), {
        name: 'BadModel',
        message: `generation_config.json: ${says}.`,
      }));
  }
});
