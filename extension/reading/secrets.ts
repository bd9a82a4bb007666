/**
 * Keeps secrets out of prompts and the index: recognises files that hold secrets by their path, and secrets in texts by
 * their form. Give `hideSecrets` the whole file and cut it afterwards: the middle of a key cannot be recognised. Pure.
 */

export const HIDDEN = '[hidden: looks like a secret]';

/** True for .env files, keys, certificates, credentials and the like. The path may be absolute or relative. */
export function isSecretPath(path: string): boolean {
  const lower = path.replaceAll('\\', '/').toLowerCase();
  return SECRET_PATHS.some((pattern) => pattern.test(lower));
}

/** Replaces whatever looks like a secret by `HIDDEN`; the number of lines stays the same. */
export function hideSecrets(text: string): string {
  return hideKeys(text).split('\n').map(hideInLine).join('\n');
}

/** Lines `first` to `last` of `hideSecrets(text)`, from 0, without the cost of searching the other lines. */
export function linesWithoutSecrets(text: string, first: number, last: number): string {
  return hideKeys(text)
    .split('\n')
    .slice(first, last + 1)
    .map(hideInLine)
    .join('\n');
}

function hideKeys(text: string): string {
  return text.replace(PRIVATE_KEY, (block) => HIDDEN + block.replace(/[^\r\n]/g, ''));
}

/** Patterns for lower-case paths with `/`. */
const SECRET_PATHS: readonly RegExp[] = [
  /(^|\/)\.env[^/]*$/,
  /\.env$/,
  /\.(pem|key|crt|cer|der|p12|pfx|p8|pkcs12|jks|keystore|kdbx?|ppk|asc|gpg|pgp|agekey|ovpn|mobileprovision)$/,
  /\.(tfstate|tfvars|secrets?|token|credentials?|publishsettings)(\.(json|backup))?$/,
  /(^|\/)id_(rsa|dsa|ecdsa|ed25519)(_sk)?(?!.*\.pub$)[^/]*$/,
  /(^|\/)\.(npmrc|yarnrc(\.yml)?|netrc|pypirc|pgpass|my\.cnf|git-credentials|htpasswd|dockercfg|dockerconfigjson|s3cfg|boto|terraformrc|vault[-_][^/]*|[a-z_]*_history)$/,
  /(^|\/)(_netrc|auth\.json|wp-config\.php|kubeconfig[^/]*|[^/]*\.kubeconfig)$/,
  /(^|\/)\.(aws|azure|gnupg|ssh|gcloud|password-store)\//,
  /(^|\/)(\.kube\/config|\.docker\/config\.json|\.m2\/settings\.xml|\.cargo\/credentials[^/]*|\.?config\/gh\/hosts\.yml)$/,
  /(^|\/)\.?(aws[-_])?credentials?(\.(json|ya?ml|xml|ini|toml|csv|txt|properties|cfg|conf|enc))?$/,
  // Source files are usually about secrets, unless their name is a convention for holding some.
  /(^|\/)(arduino_)?secrets?\.(?!(.*\.)?(ts|tsx|go|rs|java|kt|cs|cc|cpp|hpp|swift|scala|md|mdx|rst|html|css)$)[^/]*$/,
  /(^|\/)[^/]*(client[-_]?secret|service[-_]?account|firebase-adminsdk|[-_.]credentials)[^/]*\.json$/,
];

/** A complete block, or its first line with the lines of base64 that follow. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:[\sA-Za-z0-9+/=\\'"`,:;.()\-]{40,20000}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|(?:\\n|["'\s+,])*(?:\r?\n[ \t]*["']?[A-Za-z0-9+/=]{16,}[^\n]*)+)/g;

/** Tokens that can be recognised by their form. */
const TOKENS: readonly RegExp[] = [
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_\w{22,}/g,
  /\bgl(?:pat|dt|rt|ft|soat|cbt|ptt|imt|agent)-[\w-]{20,}/g,
  /\bxox[abeoprs]-[\w-]{10,}|\bxapp-\d-[\w-]{10,}/g,
  /(?<=hooks\.slack\.com\/(?:services|workflows)\/)[\w/]{20,}|(?<=discord(?:app)?\.com\/api\/webhooks\/)\d+\/[\w-]{20,}/g,
  /\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/=]{16,}/g,
  /\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}/g,
  /\bsk-(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{20,}/g,
  /\bnpm_[A-Za-z0-9]{36}\b|\bpypi-[\w-]{40,}|\bdckr_pat_[\w-]{20,}|\bhf_[A-Za-z0-9]{30,}\b|\blin_api_[A-Za-z0-9]{32,}/g,
  /\bSG\.[\w-]{16,}\.[\w-]{16,}|\bkey-[0-9a-f]{32}\b|\bSK[0-9a-f]{32}\b|\bsq0(?:atp|csp)-[\w-]{22,}/g,
  /\bdo[opr]_v1_[a-f0-9]{64}\b|\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b|\bdapi[a-f0-9]{32}\b|\bhvs\.[\w-]{20,}|\bNRAK-[A-Z0-9]{27}\b/g,
  /\b\d{8,10}:AA[\w-]{33}\b|\bAGE-SECRET-KEY-1[0-9A-Z]{50,}|\bATATT3[\w=-]{20,}/g,
  // JSON web tokens, signed or encrypted.
  /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|\beyJ[\w-]{8,}\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+/g,
  /(?<=[?&]sig=)[\w%+/]{40,}/g,
  /(?<=\b(?:AccountKey|SharedAccessKey|SharedSecret)=)[A-Za-z0-9+/=]{20,}/g,
];

/** scheme://user:password@host */
const URL_PASSWORD = /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@'"`<>]{0,100}:)[^\s/@'"`]{1,200}(?=@[\w[{$<])/gi;
/** Password=…; in a connection string. */
const CONNECTION_PASSWORD = /(?<=;\s*(?:password|pwd)\s*=\s*)[^;'"`\s]{1,200}/gi;
const AUTHORIZATION = /(?<=\b(?:bearer|basic|token)\s+)[A-Za-z0-9+/=._~-]{16,}/gi;

/** Lines without such a word are not searched for assignments. */
const MAY_ASSIGN = /pass|pwd|secret|token|key|credential/i;
const NAME = String.raw`[A-Za-z_$][\w$.-]{1,80}`;
const QUOTED = String.raw`(["'\x60])((?:(?!\QUOTE)[^\\\n]|\\.){6,2000})`;
const quoted = (group: number): string => QUOTED.replace('QUOTE', String(group));
/** name = "value", "name": "value", name: string = 'value', name := `value`, ["name"] => 'value' */
const ASSIGNED = new RegExp(
  String.raw`(?<![\w$.-])(${NAME})["'\x60]?\]?\s{0,20}(?:\??:\s{0,4}[\w<>|&* ]{1,40}=|:=|=>|==?=?|!=|:)\s{0,20}(?:[bfru]{1,2}(?=["']))?${quoted(2)}`,
  'g',
);
/** set("name", "value"), key="name" value="value" */
const PAIR = new RegExp(String.raw`["'](${NAME})["']\s{0,4}(?:,|value\s{0,2}=)\s{0,4}${quoted(2)}`, 'gi');
/** <name>value< */
const ELEMENT = new RegExp(String.raw`<(${NAME})>()([^<>\s]{6,2000})(?=<)`, 'g');
/** name=value or name: value to the end of the line; --name value */
const BARE = new RegExp(
  String.raw`^\s*(?:(?:export|set|env|arg|#define|-)\s+)*(${NAME})\s*(?:[:=]|\s(?<=#define\s+\S+\s))()\s*([^\s"'\x60;,(){}<>]{6,2000})\s*$`,
  'gi',
);
const OPTION = new RegExp(String.raw`--(${NAME})(?:=|\s+)()([^\s"'\x60(){}<>]{6,2000})`, 'g');

function hideInLine(line: string): string {
  if (line.length < 12) return line;
  let shown = line;
  for (const token of TOKENS) shown = shown.replace(token, HIDDEN);
  shown = shown.replace(URL_PASSWORD, (password) => (isPlaceholder(password) ? password : HIDDEN));
  if (!MAY_ASSIGN.test(shown) && !/bearer|basic|authorization/i.test(shown)) return shown;
  shown = shown.replace(CONNECTION_PASSWORD, (password) => (isPlaceholder(password) ? password : HIDDEN));
  shown = shown.replace(AUTHORIZATION, (value) => (looksRandom(value) ? HIDDEN : value));
  for (const assignment of [ASSIGNED, PAIR, ELEMENT, BARE, OPTION]) {
    shown = shown.replace(assignment, (whole: string, name: string, quote: string, value: string) => {
      const bare = quote === '' && assignment !== ELEMENT;
      if (!isSecretValue(name, value, bare)) return whole;
      const start = whole.lastIndexOf(value);
      return whole.slice(0, start) + HIDDEN + whole.slice(start + value.length);
    });
  }
  return shown;
}

const PASSWORD_WORDS = /^(passwords?|passwd|pwd|pass|passphrase|passcode)$/;
const SECRET_WORDS = /^(secrets?|tokens?|apikeys?|credentials?|authkey|accesskey|secretkey|privatekey)$/;
/** `key` alone says nothing; these words before it do. */
const KEY_KINDS =
  /^(api|access|private|auth|encryption|encrypt|signing|account|secret|master|shared|storage|service|license|deploy)$/;
/** Last words of names that are about a secret, such as `tokenType` or `passwordField`. */
const ABOUT =
  /^(types?|names?|ids?|counts?|length|url|uri|path|file|fields?|label|regex|pattern|limit|size|index|kind|headers?|placeholder|param|prefix|suffix|policy|hint|messages?|errors?|class|selector|title|text|endpoint|color|colour|scope|address|algorithm|expir\w*|min|max|env|var)$/;

/** Whether `name = value` reveals a secret. Bare values may be code, so they must look random. */
function isSecretValue(name: string, value: string, bare: boolean): boolean {
  const words = wordsOf(name);
  if (ABOUT.test(words.at(-1) ?? '') || isPlaceholder(value) || /^(data:|sha\d+-)|:\/\//.test(value)) return false;
  if (words.some((word) => PASSWORD_WORDS.test(word))) return bare ? looksRandom(value, 8) : looksLikePassword(value);
  const named = words.some(
    (word, i) => SECRET_WORDS.test(word) || (/^keys?$/.test(word) && KEY_KINDS.test(words[i - 1] ?? '')),
  );
  return named && looksRandom(value);
}

function wordsOf(name: string): string[] {
  return name.split(/[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/).map((word) => word.toLowerCase());
}

function isPlaceholder(value: string): boolean {
  return (
    /^(.)\1*$/.test(value) ||
    /[{<]|^[$%]|^\*|%[sdv]\b|\.\.\.|…|^#|^\[/.test(value) ||
    /^(your|my|change|replace|insert|enter|example|placeholder|dummy|fake|todo|none|null|undefined|xxx)/i.test(value)
  );
}

/** Letters with digits or punctuation; no sentence, no path, and no name such as `user_password`. */
function looksLikePassword(value: string): boolean {
  if (/\s/.test(value) || /^[./@]|^[\w-]+(\.[\w-]+)+$|^[\w$]+\(|\[|\/.*\//.test(value)) return false;
  return /[A-Za-z]/.test(value) && /\d|[^\w\-.:/]/.test(value) && !/^[A-Za-z]+([-_][A-Za-z]+)*[-_]?\d?$/.test(value);
}

/** Letters and digits in no order, rather than words. */
function looksRandom(value: string, shortest = 12): boolean {
  if (value.length < shortest || /\s/.test(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value)) return false;
  if (entropy(value) < (shortest < 12 ? 2.5 : 3)) return false;
  const parts = value.split(
    /[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])/,
  );
  const inWords = parts
    .filter((part) => /^([A-Z]?[a-z]{3,}|[A-Z]{4,})$/.test(part))
    .reduce((sum, part) => sum + part.length, 0);
  return inWords < 0.7 * value.replace(/[^A-Za-z0-9]/g, '').length;
}

/** The entropy of a text, in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
