/** Folders as they are published and saved: public bug reports, and others of their kinds. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { BadModel } from '../../../engine/errors.ts';
import { HfFolder } from '../../../engine/sources/hfFolder.ts';
import { TINY_CONFIG, TinyFolder, type TinyTensor, safetensors, tinyTensors } from '../../support/engine/tinyModel.ts';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
const shard = (number: number, count: number): string => `model-0000${number}-of-0000${count}.safetensors`;
const LFS =
  'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 4976698672\n';

const remove = (folder: TinyFolder, name: string): void => rmSync(join(folder.path, name));
/** What the index of shards that are not there says. */
const leftOver = (folder: TinyFolder, tensors: readonly TinyTensor[]): void =>
  void folder.json(INDEX, { weight_map: Object.fromEntries(tensors.map(({ name }) => [name, shard(1, 2)])) });

async function withFolder(folder: TinyFolder, use: (folder: TinyFolder) => Promise<void>): Promise<void> {
  try {
    await use(folder);
  } finally {
    folder.remove();
  }
}

/** Reads everything that loading a model reads before its weights. */
async function openAll(path: string): Promise<string[]> {
  const source = new HfFolder(path);
  await source.config();
  await source.generationConfig();
  await source.tokenizerFiles();
  const checkpoint = await source.checkpoint();
  await checkpoint.close();
  await source.fingerprint();
  return [...checkpoint.order];
}

const ALL = tinyTensors().map(({ name }) => name);

const opens: [name: string, prepare: (folder: TinyFolder) => void, shards?: number][] = [
  ['a good model.safetensors beside a left-over index', (folder) => leftOver(folder, tinyTensors())],
  [
    'a good model.safetensors beside the index of another model',
    (folder) => leftOver(folder, [{ name: 'transformer.h.0', shape: [1], values: new Float32Array(1) }]),
  ],
  [
    'good shards beside a left-over model.safetensors',
    (folder) => void folder.file(SINGLE, safetensors(tinyTensors().slice(0, 2), 'F32')),
    3,
  ],
  ['shards whose index is missing', (folder) => remove(folder, INDEX), 3],
  [
    'a byte order mark before config.json',
    (folder) => void folder.file('config.json', `\ufeff${JSON.stringify(TINY_CONFIG)}`),
  ],
  [
    'config.json in UTF-16, as PowerShell writes it',
    (folder) => void folder.file('config.json', Buffer.from(`\ufeff${JSON.stringify(TINY_CONFIG)}`, 'utf16le')),
  ],
  [
    'a byte order mark before the index',
    (folder) => void folder.file(INDEX, `\ufeff${readFileSync(join(folder.path, INDEX), 'utf8')}`),
    2,
  ],
  [
    'a link within the folder',
    (folder) => {
      renameSync(join(folder.path, SINGLE), join(folder.path, 'weights.bin'));
      symlinkSync('weights.bin', join(folder.path, SINGLE));
    },
  ],
  [
    'other weights beside the safetensors',
    (folder) => void folder.file('pytorch_model.bin', 'x').file('adapter_config.json', '{}').file('model.onnx', 'x'),
  ],
];

const refused: [name: string, prepare: (folder: TinyFolder) => void, says: RegExp, shards?: number][] = [
  [
    'shard 2 of 2 is missing',
    (folder) => remove(folder, shard(2, 2)),
    /^Shard 2 of 2 is missing \(model-00002-of-00002\.safetensors\); was the download interrupted\?$/,
    2,
  ],
  [
    'a shard and the index are missing',
    (folder) => {
      remove(folder, INDEX);
      remove(folder, shard(1, 3));
    },
    /^Shard 1 of 3 is missing/,
    3,
  ],
  [
    'shards of two models and no index',
    (folder) => {
      remove(folder, INDEX);
      folder.file(shard(1, 3), 'x');
    },
    /contains shards of several models/,
    2,
  ],
  [
    'a shard is missing beside a model.safetensors that is not whole',
    (folder) => {
      remove(folder, shard(2, 2));
      folder.file(SINGLE, safetensors(tinyTensors().slice(0, 2), 'F32'));
    },
    /^Shard 2 of 2 is missing/,
    2,
  ],
  [
    'a shard under another name',
    (folder) => void folder.json(INDEX, { weight_map: { a: 'other.safetensors' } }),
    /^Shard 1 of 1 is missing \(other\.safetensors\)/,
    2,
  ],
  ...(
    [
      ['adapter_model.safetensors', /^The folder contains only a LoRA adapter; merge it into its model first\.$/],
      ['adapter_config.json', /only a LoRA adapter/],
      [
        'pytorch_model.bin',
        /weights only in pytorch_model\.bin, a format that can run code .* save the model as safetensors/,
      ],
      ['pytorch_model-00001-of-00002.bin', /weights only in pytorch_model-00001-of-00002\.bin/],
      ['consolidated.00.pth', /weights only in consolidated\.00\.pth, a format that can run code/],
      ['model.safetensors.crdownload', /^The download of model\.safetensors\.crdownload is not complete\.$/],
      ['model.onnx', /weights only in model\.onnx; download the model as safetensors or GGUF/],
      ['tf_model.h5', /weights only in tf_model\.h5/],
      ['consolidated.safetensors', /contains consolidated\.safetensors but no model\.safetensors/],
    ] as const
  ).flatMap(([name, says]): [string, (folder: TinyFolder) => void, RegExp][] =>
    [true, false].map((config) => [
      `only ${name}${config ? '' : ' and no config.json'}`,
      (folder) => {
        remove(folder, SINGLE);
        if (!config) remove(folder, 'config.json');
        folder.file(name, '{}');
      },
      says,
    ]),
  ),
  [
    'no weights at all',
    (folder) => remove(folder, SINGLE),
    /contains neither model\.safetensors nor model\.safetensors\.index\.json; was the download interrupted\?$/,
  ],
  ...[SINGLE, 'config.json', 'tokenizer.json', 'generation_config.json', 'chat_template.jinja'].map(
    (name): [string, (folder: TinyFolder) => void, RegExp] => [
      `a Git LFS pointer as ${name}`,
      (folder) => void folder.file(name, LFS),
      new RegExp(
        `^${name} is a Git LFS pointer instead of the file itself; run "git lfs pull" in its folder, or download the file\\.$`,
      ),
    ],
  ),
  [
    'a mistake in config.json',
    (folder) => void folder.file('config.json', '{\n  "a": 1,\n  "b": NaN\n}'),
    /^config\.json is not valid JSON: there is a mistake in line 3, column 8\.$/,
  ],
  [
    'a mistake in tokenizer.json',
    (folder) => void folder.file('tokenizer.json', '{"a": 1'),
    /^tokenizer\.json is not valid JSON: there is a mistake in line 1, column 8\.$/,
  ],
  [
    'config.json that is not text',
    (folder) => void folder.file('config.json', Buffer.from([0x7b, 0xff, 0x7d])),
    /^config\.json is not valid UTF-8 text\.$/,
  ],
  [
    'an empty config.json',
    (folder) => void folder.file('config.json', ''),
    /^config\.json is empty; was the download interrupted\?$/,
  ],
  ['empty weights', (folder) => void folder.file(SINGLE, ''), /^model\.safetensors is empty/],
  [
    'a config.json of 2 MB',
    (folder) => void folder.file('config.json', `{"a": "${'x'.repeat(2e6)}"}`),
    /^config\.json has 2000009 bytes; more than 1048576 are not supported\.$/,
  ],
  [
    'a folder as config.json',
    (folder) => {
      remove(folder, 'config.json');
      mkdirSync(join(folder.path, 'config.json'));
    },
    /^config\.json is a folder, but should be a file\.$/,
  ],
  [
    'a folder as model.safetensors',
    (folder) => {
      remove(folder, SINGLE);
      mkdirSync(join(folder.path, SINGLE));
    },
    /^model\.safetensors is a folder/,
  ],
  [
    'a link to nothing',
    (folder) => {
      remove(folder, SINGLE);
      symlinkSync('gone', join(folder.path, SINGLE));
    },
    /^model\.safetensors does not exist\.$/,
  ],
  [
    'a link to itself',
    (folder) => {
      remove(folder, SINGLE);
      symlinkSync(SINGLE, join(folder.path, SINGLE));
    },
    /^model\.safetensors is a link that leads back to itself\.$/,
  ],
  ...['config.json', 'tokenizer_config.json', SINGLE].map((name): [string, (folder: TinyFolder) => void, RegExp] => [
    `${name} is a link out of the folder`,
    (folder) => {
      rmSync(join(folder.path, name), { force: true });
      symlinkSync(process.execPath, join(folder.path, name));
    },
    new RegExp(`^${name} is a link out of the model's folder; put the file itself there\\.$`),
  ]),
  ['an index without a map', (folder) => void folder.json(INDEX, { weight_map: [] }), /has no valid weight_map/, 2],
  ['an index that is a list', (folder) => void folder.json(INDEX, []), /has no valid weight_map/, 2],
  ...['../x.safetensors', '/x.safetensors', '..\\x.safetensors', 'a/x.safetensors', '..safetensors', 'x.bin', ''].map(
    (name): [string, (folder: TinyFolder) => void, RegExp, number] => [
      `an index that names ${JSON.stringify(name)}`,
      (folder) => void folder.json(INDEX, { weight_map: { a: shard(1, 2), b: name } }),
      /has no valid weight_map/,
      2,
    ],
  ),
  ...(
    [
      [
        'F8_E4M3',
        /stored as F8_E4M3: these are FP8 weights, which are not supported; use the model's bf16 or f16 folder, or a GGUF file/,
      ],
      ['U8', /stored as U8: these are weights quantised by bitsandbytes or a similar library/],
      ['I32', /stored as I32: these are packed weights, as GPTQ, AWQ and MLX store them/],
      ['F64', /stored as F64; only F32, F16 and BF16 are supported/],
      ['Q4_0', /stored as Q4_0; only/],
      ['constructor', /stored as constructor; only/],
    ] as const
  ).map(([dtype, says]): [string, (folder: TinyFolder) => void, RegExp] => [
    `weights stored as ${dtype}`,
    (folder) =>
      void folder.file(
        SINGLE,
        safetensors(
          tinyTensors(),
          'F32',
          (header) => ((header['model.norm.weight'] as { dtype: string }).dtype = dtype),
        ),
      ),
    says,
  ]),
];

describe('folders as they are published and saved', () => {
  for (const [name, prepare, shards = 1] of opens) {
    it(name, () =>
      withFolder(TinyFolder.model({ shards }), async (folder) => {
        prepare(folder);
        assert.deepEqual((await openAll(folder.path)).sort(), [...ALL].sort());
      }),
    );
  }

  for (const [name, prepare, says, shards = 1] of refused) {
    it(`refused: ${name}`, () =>
      withFolder(TinyFolder.model({ shards }), async (folder) => {
        prepare(folder);
        await assert.rejects(openAll(folder.path), (error: Error) => {
          assert.ok(error instanceof BadModel, error.stack);
          assert.match(error.message, says);
          assert.match(error.message, /^[^\n]+[.?]$/);
          return true;
        });
      }));
  }

  it("Hugging Face's cache: links to blobs beside the snapshots", () =>
    withFolder(TinyFolder.model(), async ({ path }) => {
      const snapshot = join(path, 'snapshots', '0a1b2c');
      mkdirSync(snapshot, { recursive: true });
      mkdirSync(join(path, 'blobs'));
      for (const [i, name] of ['config.json', SINGLE].entries()) {
        renameSync(join(path, name), join(path, 'blobs', `${i}`));
        symlinkSync(join('..', '..', 'blobs', `${i}`), join(snapshot, name));
      }
      assert.deepEqual((await openAll(snapshot)).sort(), [...ALL].sort());
    }));

  it('refused: a pipe, which would wait for its writer', function () {
    if (process.platform === 'win32') {
      console.log('      skipped: Windows has no pipes in folders');
      return this.skip();
    }
    return withFolder(TinyFolder.model(), async (folder) => {
      remove(folder, SINGLE);
      execFileSync('mkfifo', [join(folder.path, SINGLE)]);
      await assert.rejects(openAll(folder.path), /^BadModel: model\.safetensors is not a regular file\.$/);
    });
  });

  it('refused: a file that may not be read', function () {
    if (process.platform === 'win32' || process.getuid?.() === 0) {
      console.log('      skipped: this user may read every file');
      return this.skip();
    }
    return withFolder(TinyFolder.model(), async (folder) => {
      chmodSync(join(folder.path, SINGLE), 0);
      await assert.rejects(openAll(folder.path), /model\.safetensors cannot be read: permission denied\.$/);
    });
  });
});
