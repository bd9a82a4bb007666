import assert from 'node:assert/strict';
import { findModels } from '../../../engine/discovery/findModels.ts';
import type { Candidate } from '../../../engine/discovery/search.ts';
import { DiskTree } from '../../support/engine/diskTree.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const OLDER = 'f'.repeat(40);

interface Case {
  name: string;
  platform?: NodeJS.Platform;
  env?: (tree: DiskTree) => Record<string, string>;
  lay: (tree: DiskTree) => void;
  /** Program, name and path in the tree, and the problem where there is one. */
  finds: string[];
}

const layer = (kind: string, digest: string) => ({
  mediaType: `application/vnd.ollama.image.${kind}`,
  digest,
  size: 4,
});

/** A model of Ollama's. */
function pulled(tree: DiskTree, models: string, name: string, layers = [layer('model', `sha256:${A}`)]): void {
  tree.json(`${models}/manifests/${name}`, { schemaVersion: 2, config: { digest: `sha256:${B}` }, layers });
  tree.file(`${models}/blobs/sha256-${A}`);
}

/** A file of Hugging Face's cache, as a link to a blob. */
function cached(tree: DiskTree, repository: string, file: string, blob = A, commit = COMMIT): void {
  tree.file(`${repository}/blobs/${blob}`);
  const up = '../'.repeat(file.split('/').length + 1);
  tree.link(`${repository}/snapshots/${commit}/${file}`, `${up}blobs/${blob}`);
}

const CASES: Case[] = [
  {
    name: 'Ollama: this user, by the names that it prints',
    lay(tree) {
      for (const model of [
        'registry.ollama.ai/library/llama3.2/1b',
        'registry.ollama.ai/someone/phi3/latest',
        'hf.co/bartowski/Phi-3-GGUF/Q4_K_M',
      ])
        pulled(tree, 'home/.ollama/models', model);
      tree.file('home/.ollama/models/manifests/registry.ollama.ai/library/too-few-levels');
    },
    finds: [
      `ollama hf.co/bartowski/Phi-3-GGUF:Q4_K_M home/.ollama/models/blobs/sha256-${A}`,
      `ollama llama3.2:1b home/.ollama/models/blobs/sha256-${A}`,
      `ollama someone/phi3:latest home/.ollama/models/blobs/sha256-${A}`,
    ],
  },
  {
    name: 'Ollama: OLLAMA_MODELS, in quotes, on Windows',
    platform: 'win32',
    env: (tree) => ({ OLLAMA_MODELS: `"${tree.path('D/models')}"` }),
    lay: (tree) => pulled(tree, 'D/models', 'registry.ollama.ai/library/phi3/mini'),
    finds: [`ollama phi3:mini D/models/blobs/sha256-${A}`],
  },
  {
    name: 'Ollama: broken manifests, each with a sentence',
    lay(tree) {
      const models = 'home/.ollama/models';
      const library = 'registry.ollama.ai/library';
      tree.file(`${models}/manifests/${library}/a/bad-json`, '{"layers": [');
      tree.json(`${models}/manifests/${library}/b/no-layers`, { schemaVersion: 2 });
      pulled(tree, models, `${library}/c/traversal`, [layer('model', `sha256:../../../../etc/${'a'.repeat(50)}`)]);
      pulled(tree, models, `${library}/d/missing-blob`, [layer('model', `sha256:${'c'.repeat(64)}`)]);
      pulled(tree, models, `${library}/e/adapter`, [layer('model', `sha256:${A}`), layer('adapter', `sha256:${A}`)]);
      pulled(tree, models, `${library}/f/tensors`, [layer('tensor', `sha256:${A}`)]);
      pulled(tree, models, `${library}/g/cloud`, []);
      tree.link(`${models}/manifests/${library}/h/dangling`, 'nowhere');
    },
    finds: [
      'a:bad-json — cannot be read, or is not valid',
      'b:no-layers — cannot be read, or is not valid',
      'c:traversal — has a digest that is none',
      'd:missing-blob — is missing; pull it again',
      'e:adapter — applies a LoRA adapter',
      'f:tensors — has no GGUF file',
    ],
  },
  {
    name: "LM Studio: its home's models, with split files, an image part and a folder of safetensors",
    lay(tree) {
      tree.file('home/.lmstudio/models/infra-ai/ocelot-v1/ocelot-v1-instruct-q4_0.gguf');
      tree.file('home/.lmstudio/models/infra-ai/ocelot-v1/mmproj-model-f16.gguf');
      for (const i of [1, 2]) tree.file(`home/.lmstudio/models/big/one/one-0000${i}-of-00002.gguf`);
      for (const file of ['config.json', 'model.safetensors']) tree.file(`home/.lmstudio/models/mlx/phi/${file}`);
      tree.file('home/.lmstudio/models/mlx/phi/notes.txt');
    },
    finds: [
      'lmStudio big/one/one home/.lmstudio/models/big/one/one-00001-of-00002.gguf',
      'lmStudio infra-ai/ocelot-v1/ocelot-v1-instruct-q4_0 home/.lmstudio/models/infra-ai/ocelot-v1/ocelot-v1-instruct-q4_0.gguf',
      'lmStudio mlx/phi home/.lmstudio/models/mlx/phi',
    ],
  },
  {
    name: 'LM Studio: the home that its pointer names, and the folder of its settings',
    platform: 'darwin',
    lay(tree) {
      tree.file('home/.lmstudio-home-pointer', `${tree.path('elsewhere')}\n`);
      tree.json('elsewhere/settings.json', { downloadsFolder: tree.path('disk/models') });
      tree.file('disk/models/p/m/f.gguf');
    },
    finds: ['lmStudio p/m/f disk/models/p/m/f.gguf'],
  },
  {
    name: 'LM Studio: its older home, and settings that are not valid',
    lay(tree) {
      tree.file('home/.cache/lm-studio/settings.json', '{"downloadsFolder": 7}');
      tree.file('home/.cache/lm-studio/models/p/m/f.gguf');
    },
    finds: ['lmStudio p/m/f home/.cache/lm-studio/models/p/m/f.gguf'],
  },
  {
    name: "Hugging Face: the branch's revision first, GGUF files in folders, weights that are links to nothing",
    lay(tree) {
      const phi = 'home/.cache/huggingface/hub/models--microsoft--Phi-3-mini-4k-instruct';
      for (const commit of [OLDER, COMMIT])
        for (const file of ['config.json', 'model.safetensors']) cached(tree, phi, file, A, commit);
      tree.file(`${phi}/refs/main`, COMMIT);
      const gguf = 'home/.cache/huggingface/hub/models--bartowski--SmolLM2-GGUF';
      cached(tree, gguf, 'Q4_K_M/SmolLM2-Q4_K_M.gguf', B);
      tree.link(`${gguf}/snapshots/${COMMIT}/SmolLM2-Q8_0.gguf`, '../../blobs/none');
      cached(tree, 'home/.cache/huggingface/hub/models--only--tokenizer', 'tokenizer.json');
      cached(tree, 'home/.cache/huggingface/hub/datasets--some--data', 'data.gguf');
    },
    finds: [
      `huggingFace bartowski/SmolLM2-GGUF/Q4_K_M/SmolLM2-Q4_K_M home/.cache/huggingface/hub/models--bartowski--SmolLM2-GGUF/snapshots/${COMMIT}/Q4_K_M/SmolLM2-Q4_K_M.gguf`,
      `huggingFace bartowski/SmolLM2-GGUF/SmolLM2-Q8_0 home/.cache/huggingface/hub/models--bartowski--SmolLM2-GGUF/snapshots/${COMMIT}/SmolLM2-Q8_0.gguf`,
      `huggingFace microsoft/Phi-3-mini-4k-instruct home/.cache/huggingface/hub/models--microsoft--Phi-3-mini-4k-instruct/snapshots/${COMMIT}`,
      `huggingFace microsoft/Phi-3-mini-4k-instruct@fffffff home/.cache/huggingface/hub/models--microsoft--Phi-3-mini-4k-instruct/snapshots/${OLDER}`,
    ],
  },
  ...[
    ['HF_HUB_CACHE with ~', { HF_HUB_CACHE: '~/hub' }, 'home/hub'],
    ['HF_HOME with a variable', { HF_HOME: '$DISK/hf', DISK: '' }, 'disk/hf/hub'],
    ['XDG_CACHE_HOME', { XDG_CACHE_HOME: '' }, 'disk/huggingface/hub'],
  ].map(([title, env, cache]): Case => ({
    name: `Hugging Face: ${String(title)}`,
    env: (tree) =>
      Object.fromEntries(Object.entries(env!).map(([name, value]) => [name, String(value || tree.path('disk'))])),
    lay: (tree) => tree.file(`${String(cache)}/models--o--m/snapshots/${COMMIT}/m.gguf`),
    finds: [`huggingFace o/m/m ${String(cache)}/models--o--m/snapshots/${COMMIT}/m.gguf`],
  })),
  ...[
    ['linux', {}, 'home/.local/share/nomic.ai/GPT4All'],
    ['linux', { XDG_DATA_HOME: 'disk' }, 'disk/nomic.ai/GPT4All'],
    ['darwin', {}, 'home/Library/Application Support/nomic.ai/GPT4All'],
    ['win32', { LOCALAPPDATA: 'Local' }, 'Local/nomic.ai/GPT4All'],
    ['linux', {}, 'home/.cache/gpt4all'],
  ].map(([platform, env, folder]): Case => ({
    name: `GPT4All: ${String(folder)}`,
    platform: platform as NodeJS.Platform,
    env: (tree) => Object.fromEntries(Object.entries(env!).map(([name, value]) => [name, tree.path(String(value))])),
    lay(tree) {
      tree.file(`${String(folder)}/Phi-3-mini-4k-instruct.Q4_0.gguf`);
      tree.file(`${String(folder)}/incomplete-Llama-3.gguf`);
    },
    finds: [`gpt4all Phi-3-mini-4k-instruct.Q4_0 ${String(folder)}/Phi-3-mini-4k-instruct.Q4_0.gguf`],
  })),
  ...[
    ['linux', 'home/.config/nomic.ai/GPT4All.ini', (path: string) => path],
    ['darwin', 'home/.config/gpt4all.io/GPT4All.ini', (path: string) => `"${path.replaceAll('é', '\\xe9')}"`],
    ['win32', 'home/AppData/Roaming/nomic.ai/GPT4All.ini', (path: string) => path],
  ].map(([platform, ini, write]): Case => ({
    name: `GPT4All: the folder of its settings, ${String(platform)}`,
    platform: platform as NodeJS.Platform,
    lay(tree) {
      const path = (write as (path: string) => string)(`${tree.path('modèles é')}/`);
      tree.file(String(ini), `[General]\nfontSize=1\nmodelPath=${path}\n\n[localdocs]\nmodelPath=/wrong\n`);
      tree.file('modèles é/m.gguf');
    },
    finds: ['gpt4all m modèles é/m.gguf'],
  })),
  {
    name: 'Jan: files in its folder and elsewhere, by name of the folder',
    lay(tree) {
      const models = 'home/.local/share/Jan/data/llamacpp/models';
      tree.file(`${models}/org/phi-3/model.yml`, 'model_path: llamacpp/models/org/phi-3/model.gguf\nsize_bytes: 4\n');
      tree.file(`${models}/org/phi-3/model.gguf`);
      tree.file(`${models}/linked/model.yml`, `name: it's\nmodel_path: '${tree.path("disk/it''s.gguf")}'\n`);
      tree.file("disk/it's.gguf");
      tree.file(`${models}/empty/model.yml`, 'name: nothing\n');
    },
    finds: [
      'empty — names no file on this computer',
      "jan linked disk/it's.gguf",
      'jan org/phi-3 home/.local/share/Jan/data/llamacpp/models/org/phi-3/model.gguf',
    ],
  },
  ...[
    ['win32', 'home/AppData/Roaming/Jan/settings.json'],
    ['darwin', 'home/Library/Application Support/Jan/settings.json'],
    ['linux', 'home/.config/Jan/settings.json'],
  ].map(([platform, settings]): Case => ({
    name: `Jan: the data folder of its settings, ${platform}`,
    platform: platform as NodeJS.Platform,
    lay(tree) {
      tree.json(settings!, { data_folder: tree.path('jan') });
      tree.file('jan/llamacpp/models/m/model.yml', 'model_path: llamacpp/models/m/model.gguf');
    },
    finds: ['jan m jan/llamacpp/models/m/model.gguf'],
  })),
  ...[
    ['linux', 'home/.cache/llama.cpp'],
    ['darwin', 'home/Library/Caches/llama.cpp'],
    ['win32', 'home/AppData/Local/llama.cpp'],
  ].map(([platform, folder]): Case => ({
    name: `llama.cpp: ${folder}`,
    platform: platform as NodeJS.Platform,
    lay(tree) {
      tree.file(`${folder}/ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf`);
      tree.file(`${folder}/ggml-org_gemma-3-1b-it-GGUF_mmproj-model-f16.gguf`);
      tree.file(`${folder}/ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf.etag`);
    },
    finds: [
      `llamaCpp ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M ${folder}/ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf`,
    ],
  })),
  {
    name: "llama.cpp: LLAMA_CACHE in Hugging Face's layout",
    env: (tree) => ({ LLAMA_CACHE: tree.path('cache') }),
    lay: (tree) => cached(tree, 'cache/models--ggml-org--SmolLM2-GGUF', 'SmolLM2-Q8_0.gguf'),
    finds: [
      `llamaCpp ggml-org/SmolLM2-GGUF/SmolLM2-Q8_0 cache/models--ggml-org--SmolLM2-GGUF/snapshots/${COMMIT}/SmolLM2-Q8_0.gguf`,
    ],
  },
  {
    name: 'settings that name a relative path, which is nowhere: the places that the programs take without them',
    env: () => ({ OLLAMA_MODELS: 'models', HF_HOME: 'hf', LLAMA_CACHE: '.' }),
    lay(tree) {
      tree.json('home/.lmstudio/settings.json', { downloadsFolder: 'models' });
      tree.json('home/.local/share/Jan/settings.json', { data_folder: './data' });
      tree.file('home/.lmstudio/models/p/m/f.gguf');
      tree.file('home/.local/share/Jan/data/llamacpp/models/m/model.yml', 'model_path: m.gguf');
    },
    finds: ['jan m home/.local/share/Jan/data/m.gguf', 'lmStudio p/m/f home/.lmstudio/models/p/m/f.gguf'],
  },
  { name: 'nothing where no program is', lay: () => undefined, finds: [] },
];

describe('models of other programs', () => {
  for (const { name, platform, env, lay, finds } of CASES) {
    it(name, async () => {
      const tree = new DiskTree();
      try {
        lay(tree);
        const before = tree.snapshot();
        const { candidates, notes } = await findModels(tree.computer(platform, env?.(tree)));
        assert.deepEqual(candidates.map((candidate) => said(tree, candidate)).sort(), finds, notes.join());
        assert.deepEqual(notes, []);
        assert.deepEqual(tree.snapshot(), before, 'nothing has changed');
      } finally {
        tree.remove();
      }
    });
  }
});

function said(tree: DiskTree, { program, name, path, problem }: Candidate): string {
  if (problem === undefined) return `${program} ${name} ${path.slice(tree.root.length + 1)}`;
  const what =
    /(cannot be read, or is not valid|has a digest that is none|is missing; pull it again|applies a LoRA adapter|has no GGUF file|names no file on this computer)/;
  return `${name} — ${what.exec(problem)?.[0] ?? problem}`;
}
