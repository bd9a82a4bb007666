/**
 * Marks of models in texts that leave for a server. Here, a text never becomes a special token, because each is encoded
 * as plain characters; a server reads them from the whole prompt. So each mark gets a character inside that no token
 * contains and no reader sees, which answers do not keep. Pure.
 */

/** WORD JOINER: as wide as nothing, and no text of code contains it. */
const BREAK = '\u2060';

/** The marks of released vocabularies: how a text would begin one, whichever model is served. */
const MARKS: readonly RegExp[] = [
  // Phi, Qwen, Llama 3, ChatML, Granite; DeepSeek.
  /<(?=\|[^|<>\s]{1,60}\|>)/g,
  /<(?=\uFF5C[^\uFF5C<>\s]{1,60}\uFF5C>)/g,
  // Llama 2, Mistral, Gemma, StarCoder, CodeLlama; pictures of vision models.
  /<(?=\/?(?:s|unk|pad|bos|eos|mask|image|video|img|cls|sep)>)/g,
  /<(?=(?:start|end)_of_(?:turn|image)>)/g,
  /<(?=fim[_-][a-z]+>|(?:filename|reponame|gh_stars|file_sep|repo_name|issue_\w+|jupyter_\w+|empty_output|commit_\w+)>)/g,
  /<(?=(?:PRE|SUF|MID|EOT|EOD)>)/g,
  /<(?=<\/?SYS>>)/g,
  /<(?=\/?(?:tool_call|tool_response|think)>)/g,
  /\[(?=\/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CALLS|IMG|IMG_BREAK|IMG_END|PREFIX|SUFFIX|MIDDLE|SYSTEM_PROMPT)\])/g,
];

/** The text, with nothing in it that a server would take for a mark of its model. */
export function withoutSpecials(text: string): string {
  return MARKS.reduce((left, mark) => left.replace(mark, (begun) => begun + BREAK), text);
}

/** What a model has written, without the characters that withoutSpecials has put in. */
export function withSpecials(text: string): string {
  return text.replaceAll(BREAK, '');
}
