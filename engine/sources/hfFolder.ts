import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { BadModel } from '../errors.ts';
import type { TokenizerFiles } from '../tokenizer/tokenizer.ts';
import type { Checkpoint } from './checkpoint.ts';
import { FolderFiles } from './folderFiles.ts';
import { otherContent } from './otherContent.ts';
import { quoted } from './quoted.ts';
import { SafetensorsFile } from './safetensors.ts';
import { SafetensorsCheckpoint } from './safetensorsCheckpoint.ts';
import type { ModelSource, WeightFile } from './source.ts';
import { weightFiles } from './weightFiles.ts';

/** Limit for config.json and its like, which have a few kilobytes. */
const MAX_CONFIG_BYTES = 1 << 20;
/** Model cards are texts of a few pages. */
const MAX_CARD_BYTES = 1 << 20;

const MODEL_TEXTS = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer.model',
  'tokenizer_config.json',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
];
/** A licence has to go with the model. */
const TEXTS_ABOUT_IT = ['README.md', 'LICENSE', 'LICENSE.txt', 'LICENSE.md', 'NOTICE', 'NOTICE.txt'];

/** A model folder in Hugging Face's layout. Nothing in it is executed. */
export class HfFolder implements ModelSource {
  readonly format = 'safetensors';
  readonly #path: string;
  readonly #files: FolderFiles;

  constructor(path: string) {
    this.#path = path;
    this.#files = new FolderFiles(path);
  }

  get name(): string {
    return basename(resolve(this.#path));
  }

  /** That of the model card's metadata: README.md begins with YAML, one line of which is `license: mit`. */
  async licence(): Promise<string | null> {
    const card = await this.#files.text('README.md', MAX_CARD_BYTES).catch(() => undefined);
    const metadata = /^---\r?\n([^]*?)\r?\n---/.exec(card ?? '')?.[1] ?? '';
    const licence = /^license:[ \t]*["']?([\w.+-]+)/m.exec(metadata)?.[1];
    return licence === undefined ? null : quoted(licence);
  }

  async config(): Promise<unknown> {
    const config = await this.#files.json('config.json', MAX_CONFIG_BYTES);
    if (config !== undefined) return config;
    throw new BadModel(
      otherContent(await this.#names()) ??
        `${quoted(this.#path, 400)} is not a model folder: it contains no config.json.`,
    );
  }

  generationConfig(): Promise<unknown> {
    return this.#files.json('generation_config.json', MAX_CONFIG_BYTES);
  }

  preprocessorConfig(): Promise<unknown> {
    return this.#files.json('preprocessor_config.json', MAX_CONFIG_BYTES);
  }

  async tokenizerFiles(): Promise<TokenizerFiles> {
    const tokenizerJson = await this.#files.json('tokenizer.json');
    const files = {
      tokenizerJson,
      tokenizerConfig: await this.#files.json('tokenizer_config.json'),
      chatTemplate: await this.#files.text('chat_template.jinja'),
    };
    if (tokenizerJson !== undefined) return files;
    return {
      ...files,
      sentencePieceModel: await this.#files.bytes('tokenizer.model'),
      addedTokens: await this.#files.json('added_tokens.json'),
      specialTokensMap: await this.#files.json('special_tokens_map.json'),
    };
  }

  async checkpoint(): Promise<Checkpoint> {
    const files: SafetensorsFile[] = [];
    try {
      for (const name of await this.#weightFiles())
        files.push(await SafetensorsFile.open(await this.#files.open(name)));
      return new SafetensorsCheckpoint(files);
    } catch (error) {
      await Promise.all(files.map((file) => file.close()));
      throw error;
    }
  }

  async weightFiles(): Promise<WeightFile[]> {
    const names = await this.#weightFiles();
    return Promise.all(
      names.map(async (name) => {
        const [, bytes, changed] = await this.#stamp(name);
        return { path: resolve(this.#path, name), bytes, changed };
      }),
    );
  }

  /** The files beside the weights that belong to the model, as they are. Rejects with BadModel. */
  async *texts(): AsyncGenerator<{ name: string; bytes: Buffer }> {
    for (const name of MODEL_TEXTS) {
      const bytes = await this.#files.bytes(name);
      if (bytes) yield { name, bytes };
    }
    for (const name of TEXTS_ABOUT_IT) {
      const bytes = await this.#files.bytes(name, MAX_CARD_BYTES).catch(() => undefined);
      if (bytes) yield { name, bytes };
    }
  }

  /** Made of the names, sizes and modification times of the configuration and the weight files. */
  async fingerprint(): Promise<string> {
    const names = ['config.json', ...(await this.#weightFiles())];
    return JSON.stringify(await Promise.all(names.map((name) => this.#stamp(name))));
  }

  async #stamp(name: string): Promise<[name: string, size: number, changed: number]> {
    const file = await this.#files.open(name);
    await file.close();
    return [name, file.size, file.changed];
  }

  async #weightFiles(): Promise<string[]> {
    return weightFiles(this.#files, await this.#names());
  }

  async #names(): Promise<string[]> {
    return readdir(this.#path).catch(() => {
      throw new BadModel(`The folder ${quoted(this.#path, 400)} cannot be read.`);
    });
  }
}
