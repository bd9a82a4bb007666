/** The languages whose code is coloured; their other names ("ts", "sh", "c++") are highlight.js's. */
import hljs from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import markdown from 'highlight.js/lib/languages/markdown';
import powershell from 'highlight.js/lib/languages/powershell';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import sql from 'highlight.js/lib/languages/sql';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

for (const [name, language] of Object.entries({
  ...{ bash, cpp, csharp, css, diff, dockerfile, go, ini, java, json, kotlin, markdown, powershell, python, ruby },
  ...{ rust, sql, typescript, xml, yaml },
})) {
  hljs.registerLanguage(name, language);
}
// Languages that another one contains take no space of their own.
for (const [languageName, aliases] of Object.entries({
  typescript: ['javascript', 'js', 'jsx', 'mjs', 'cjs', 'javascriptreact', 'typescriptreact'],
  cpp: ['c', 'h'],
  css: ['scss', 'less'],
  json: ['jsonc', 'json5'],
  bash: ['shell', 'console', 'shellsession', 'shellscript', 'fish', 'terminal'],
  xml: ['vue', 'svelte'],
})) {
  hljs.registerAliases(aliases, { languageName });
}

export default hljs;
