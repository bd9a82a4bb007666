/** The licences of the packages that our bundles contain. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import { root } from './nodeBinary.mjs';

const LICENCE_FILE = /^(licen[cs]e|copying|notice)(\.|-|$)/i;

/** Packages whose files a package carries beside the bundles: Dawn, and the languages of the text in pictures. */
const BESIDE = ['webgpu', '@tesseract.js-data/deu', '@tesseract.js-data/eng'].map((name) => `node_modules/${name}`);

/** Parts under another licence than their package: where they come from, and a file with that licence's text. */
const PARTS = [
  {
    packages: '@tesseract.js-data/',
    says: 'The language data are those of https://github.com/tesseract-ocr/tessdata, under the Apache License 2.0:',
    text: 'node_modules/tesseract.js-core/LICENSE',
  },
];

/** Writes dist/THIRD_PARTY_NOTICES.txt: for every package in esbuild's metafiles, and for those beside the bundles. */
export function writeNotices(...metafiles: Metafile[]): void {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs));
  const bundled = inputs.flatMap((path) => {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
    return name ? [name[0]] : [];
  });
  const folders = [...new Set([...bundled, ...BESIDE])].sort();
  writeFileSync(join(root, 'dist/THIRD_PARTY_NOTICES.txt'), folders.map(notice).join('\n\n'));
}

/** Exported for its test. */
export function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const files = readdirSync(join(root, folder)).filter((file) => LICENCE_FILE.test(file));
  const texts = files.map((file) => readFileSync(join(root, folder, file), 'utf8').trim());
  if (texts.length === 0) texts.push(`Licensed under ${license}; the package carries no licence text.`);
  for (const { packages, says, text } of PARTS) {
    if (name.startsWith(packages)) texts.push(says, readFileSync(join(root, text), 'utf8').trim());
  }
  return [`${'='.repeat(80)}\n${name} ${version}`, ...texts].join('\n\n');
}
