import { quoted } from './quoted.ts';

/** What a folder holds instead of a model that can be opened, and what to do, by the names of its files. */
const KINDS: readonly [pattern: RegExp, say: (name: string) => string][] = [
  [/\.(incomplete|part|crdownload|download|aria2)$/, (name) => `The download of ${name} is not complete.`],
  [/^adapter_(model|config)\./, () => 'The folder contains only a LoRA adapter; merge it into its model first.'],
  [
    /^(pytorch_model.*\.bin|.*\.(pth|pt|ckpt))$/,
    (name) =>
      `The folder has its weights only in ${name}, a format that can run code when it is read; save the model as safetensors, or download it in that format or as GGUF.`,
  ],
  [
    /\.(onnx|h5|msgpack|tflite|mlmodel|xml|npz)$/,
    (name) => `The folder has its weights only in ${name}; download the model as safetensors or GGUF.`,
  ],
  [
    /^(?!model(-|\.)).*\.safetensors$/,
    (name) =>
      `The folder contains ${name} but no model.safetensors; download the model in the layout of the transformers library.`,
  ],
];

/** One sentence about the first kind of content that is recognised; undefined where none is. */
export function otherContent(names: readonly string[]): string | undefined {
  for (const [pattern, say] of KINDS) {
    const name = names.find((each) => pattern.test(each));
    if (name !== undefined) return say(quoted(name));
  }
  return undefined;
}
