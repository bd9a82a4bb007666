/** `npm run bench`: speed and memory of the engine, and `npm run bench:edits`. */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { cachedChatModel } from '../../../.ci/chatModel.ts';
import { root } from '../../../.ci/nodeBinary.mjs';
import { type ModelBenchCliOptions, addBenchOptions } from '../../../engine/cli/bench/bench.ts';
import { type Measurement, benchBackends } from '../../../engine/cli/bench/backends.ts';
import { wholeNumber } from '../../../engine/cli/options.ts';
import { runProgram } from '../../../engine/cli/runProgram.ts';
import { BadRequest } from '../../../engine/errors.ts';
import { addAnswers } from '../answers/questions.ts';
import { ATTENTION } from './attention.ts';
import { beginningsIn } from './beginnings.ts';
import { followUpsIn, ghostTextIn } from './chat.ts';
import { addEdits } from './edits.ts';
import { speedOf } from './modelSpeed.ts';
import { addContext } from './otherFiles.ts';
import { addPlacing } from './placing.ts';
import { GPU_DISPATCHES } from '../gpu/dispatchTimes.ts';
import { GPU_VARIANTS } from '../gpu/products.ts';
import { profileOf } from './profile.ts';
import { addRecordTexts } from './recordTexts.ts';
import { SHAPES } from './shapes.ts';
import { speculationIn } from './speculation.ts';
import { storedModel } from './storedModel.ts';
import { visionSpeed } from './vision.ts';

interface Options extends ModelBenchCliOptions {
  shape?: string;
  layers?: number;
  attention?: boolean;
  gpu?: boolean;
  profile?: boolean;
  speculation?: string;
  chat?: boolean;
  beginnings?: boolean;
  importIn?: string;
  vision?: boolean;
  onnx?: boolean;
  pictures: boolean;
}

void runProgram(new Command('npm run bench --'), [
  addBenchmarks,
  addAnswers,
  addContext,
  addEdits,
  addPlacing,
  addRecordTexts,
]);

function addBenchmarks(program: Command, signal: AbortSignal): void {
  program
    .description('measure speed and memory of a model')
    .argument('[model]', 'model folder (default: the bundled starter model)')
    .addOption(new Option('--shape <name>', 'random weights of a released shape').choices(Object.keys(SHAPES)))
    .option('--layers <count>', 'measure with fewer layers than the shape has', wholeNumber(1))
    .option('--attention', 'time block-sparse against dense attention on the shape of phi-3-small instead')
    .option('--gpu', "on the GPU, and beside it the tuner's choices, every variant, and dispatches of prefill")
    .option('--profile', 'time each operation of prefill and decode instead')
    .option('--speculation <recording>', 'decode with and without drafts at places of recorded edits instead')
    .option('--chat', 'time ghost text without and beside a chat instead')
    .option(
      '--beginnings',
      'time ghost text behind beginnings of lines instead (default: the model that completes where none is chosen)',
    )
    .option('--vision', "time pictures in phi-3-vision's shape instead")
    .option('--onnx', 'with --vision, measure ONNX Runtime, too, which npm installs into the cache')
    .option('--no-pictures', 'with --vision, leave out whole pictures, which take minutes')
    .option('--import-in <folder>', 'import --shape into a store in this folder and load it instead')
    .option('--markdown', 'print the figures as Markdown tables')
    .addHelpText('after', '\nOther benchmarks: --peers (see its --help), --index, --page');
  addBenchOptions(program).action((folder: string | undefined, options: Options) => {
    if (options.shape !== undefined && folder !== undefined)
      throw new BadRequest('Give a model folder or --shape, not both.');
    const random =
      options.shape !== undefined || options.attention === true || options.gpu === true || options.vision === true;
    const usual = (options.beginnings && cachedChatModel()) || join(root, 'media/starter');
    const on = options.gpu ? { ...options, backend: 'webgpu' as const } : options;
    return benchBackends(measurements(folder ?? usual, options), on, { random, signal });
  });
}

function measurements(folder: string, options: Options): Measurement<object>[] {
  const { shape, layers, attention, gpu, profile, speculation, chat, beginnings, importIn, vision, repeat } = options;
  if (vision) return [visionSpeed(options)];
  if (importIn !== undefined) return [storedModel(importIn, shape ?? 'phi-3-mini', layers)];
  if (beginnings) return [beginningsIn(folder)];
  if (chat) return [ghostTextIn({ folder, repeat }), followUpsIn(folder)];
  if (attention) return [ATTENTION];
  if (gpu) return [speedOf({ folder, shape, layers }, options), GPU_VARIANTS, GPU_DISPATCHES];
  if (profile) return [profileOf({ folder, shape, layers }, options)];
  if (speculation !== undefined) return [speculationIn({ recording: speculation, folder })];
  return [speedOf({ folder, shape, layers }, options)];
}
