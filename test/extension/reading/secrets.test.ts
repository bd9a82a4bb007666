import assert from 'node:assert/strict';
import { HIDDEN, hideSecrets, isSecretPath } from '../../../extension/reading/secrets.ts';

/** Letters and digits in no order, the same in every run. Tokens are assembled here, so that no scanner reports them. */
const random = (
  length: number,
  alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
): string => {
  let state = length;
  return Array.from({ length }, () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return alphabet[Math.floor((state / 2147483648) * alphabet.length)];
  }).join('');
};
const hex = (length: number): string => random(length, '0123456789abcdef');
const pem = (kind: string, part: 'BEGIN' | 'END'): string => `-----${part} ${kind}PRIVATE ${'KEY'}-----`;
const jwt = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0NTY3ODkwIn0', random(43)].join('.');

describe('paths of secrets', () => {
  const secret = `
    .env .env.local sub/.env.production .envrc config/prod.env
    server.key certs/ca.pem a/b.pfx x.p12 my.keystore id_rsa .ssh/config home/.aws/credentials id_ed25519 id_rsa.bak
    .npmrc a/.netrc .pypirc .git-credentials .htpasswd .kube/config kubeconfig kubeconfig.yaml .docker/config.json
    secrets.json secrets.yaml config/secrets.yml secret.txt secrets.py credentials credentials.json gcp-credentials.json
    client_secret_12.json my-service-account.json terraform.tfstate prod.tfvars C:\\Users\\me\\.ssh\\known
    .ENV Secrets.JSON .bash_history auth.json`
    .trim()
    .split(/\s+/);
  const open = `
    env.ts src/environment.py .environment/readme.md keys.ts keyboard.rs id_rsa.pub secrets.ts docs/secrets.md
    secrets/index.ts credentials.ts tokenizer.py token.rs .eslintrc package.json .gitignore certificate.go
    aws/client.py kube/config.go ssh.ts monkey.md passwordInput.tsx`
    .trim()
    .split(/\s+/);
  for (const path of secret) it(`secret: ${path}`, () => assert.equal(isSecretPath(path), true));
  for (const path of open) it(`open: ${path}`, () => assert.equal(isSecretPath(path), false));
});

describe('texts that look like a secret', () => {
  const p = 'pass' + 'word';
  const hidden: [name: string, text: string, secret: string][] = [
    ['AWS key id', `id: ${'AKIA' + random(16, 'ABCDEFGH234567')}`, 'AKIA'],
    ['AWS secret key', `aws_secret_access_key = ${random(40)}`, random(40)],
    ['GitHub', `remote ${'gh' + 'p_' + random(36)}`, random(36)],
    ['GitLab', `x ${'glpat' + '-' + random(20)}`, random(20)],
    ['Slack', `say("${'xox' + 'b-123456789012-' + random(24)}")`, random(24)],
    ['Slack webhook', `https://hooks.slack.com/services/T0000/B0000/${random(24)}`, random(24)],
    ['Stripe', `stripe(${'sk' + '_live_' + random(24)})`, random(24)],
    ['Google', `?key=${'AIza' + random(35)}`, random(35)],
    ['a model service', `x = ${'sk' + '-proj-' + random(40)}`, random(40)],
    ['npm', `//host/:_auth=${'npm' + '_' + random(36)}`, random(36)],
    ['JSON web token', `curl -H 'Authorization: Bearer ${jwt}'`, jwt],
    ['JSON web token alone', `const example = '${jwt}';`, jwt],
    ['bearer', `'Authorization': 'Bearer ${random(32)}'`, random(32)],
    ['basic', `Authorization: Basic ${random(30)}==`, random(30)],
    ['database URL', `postgres://app:Tr0ub4dor@db.local:5432/app`, 'Tr0ub4dor'],
    ['amqp URL', `amqps://user:simple@host/vhost`, 'simple'],
    ['redis URL without user', `redis://:${random(12)}@cache:6379`, random(12)],
    ['connection string', `"Server=db;User Id=sa;Password=Abc123!x;"`, 'Abc123!x'],
    ['storage key', `AccountName=a;AccountKey=${random(86)}==;`, random(86)],
    ['signed URL', `https://a.example/x?sv=1&sig=${random(44)}`, random(44)],
    [p, `${p} = "hunter2!"`, 'hunter2!'],
    [`${p} in JSON`, `  "${p}": "s3cr3t-Value",`, 's3cr3t-Value'],
    [`${p} in YAML`, `  db_${p}: kX9vQ2mLp7`, 'kX9vQ2mLp7'],
    [`${p} with type`, `private ${p}: string = 'Winter2024!';`, 'Winter2024!'],
    [`${p} in Go`, `dbPassword := "p4ssw0rd#1"`, 'p4ssw0rd#1'],
    [`${p} in PHP`, `'DB_PASSWORD' => 'qwe!123rt',`, 'qwe!123rt'],
    [`${p} in XML`, `<${p}>Qwerty!23</${p}>`, 'Qwerty!23'],
    ['key and value in XML', `<add key="ApiKey" value="${random(32)}" />`, random(32)],
    ['define', `#define ${'PASS' + 'WORD'} "wifi-4711x"`.replace('" ', '": "').replace('D "', 'D = "'), 'wifi-4711x'],
    ['api key in shell', `export API_KEY=${random(32)}`, random(32)],
    ['api key in hex', `apiKey: '${hex(32)}'`, hex(32)],
    ['client secret', `clientSecret: "${random(32)}"`, random(32)],
    ['key of Django', `SECRET_KEY = 'django-insecure-${random(40)}'`, random(40)],
    ['token in Python', `token = "${random(24)}"`, random(24)],
    ['option', `deploy --api-token ${random(24)} --force`, random(24)],
    ['a call', `setHeader("x-api-key", "${random(32)}")`, random(32)],
    ['encryption key', `encryption_key: ${hex(64)}`, hex(64)],
  ];
  for (const [name, text, secret] of hidden) {
    it(name, () => {
      const shown = hideSecrets(text);
      assert.ok(shown.includes(HIDDEN), shown);
      assert.ok(!shown.includes(secret), shown);
    });
  }

  it('private keys, whole, escaped, cut, and with the same number of lines', () => {
    const body = Array.from({ length: 12 }, (_, i) => random(64 - (i % 2)));
    for (const kind of ['', 'RSA ', 'OPENSSH ', 'EC ']) {
      for (const end of ['\n', '\r\n']) {
        const text = ['before', pem(kind, 'BEGIN'), ...body, pem(kind, 'END'), 'after'].join(end);
        const lines = hideSecrets(text).split(end);
        assert.equal(lines.length, body.length + 4);
        assert.deepEqual([lines[0], lines[1], lines[5], lines.at(-1)], ['before', HIDDEN, '', 'after']);
      }
    }
    const cut = hideSecrets([pem('RSA ', 'BEGIN'), ...body].join('\n'));
    assert.ok(!body.some((line) => cut.includes(line)));
    assert.equal(cut.split('\n').length, body.length + 1);
    const escaped = hideSecrets(`"private_key": "${pem('', 'BEGIN')}\\n${body.join('\\n')}\\n${pem('', 'END')}\\n",`);
    assert.ok(!body.some((line) => escaped.includes(line)));
    assert.ok(escaped.startsWith('"private_key": "'));
  });
});

describe('texts that are no secret', () => {
  const open: [name: string, text: string][] = [
    ['integrity of a lock file', `"integrity": "sha512-${random(86)}==",`],
    ['hash', `const sha256 = '${hex(64)}';`],
    ['commit', `see commit ${hex(40)} for details on the token parser`],
    ['UUID', `id: '123e4567-e89b-12d3-a456-426614174000'`],
    ['image', `background: url(data:image/png;base64,${random(300)})`],
    ['colour', `--token-color: #1e90ff12;`],
    ['class in CSS', `.sk-folding-cube-container-animation-1 { color: red }`],
    ['token from a call', `const token = await getToken(user, 12345);`],
    ['token from a member', `api_key = settings.OPENAI_API_KEY`],
    ['password from the environment', `password = os.environ["DB_PASSWORD_2"]`],
    ['password from the environment, short', 'password: ${DB_PASSWORD1}'],
    ['password parameter', `def login(user: str, password: str = "") -> Token2:`],
    ['type of an input', `<input type="password" name="password" id="password1">`],
    ['label', `passwordLabel: 'Enter your password (8 to 12 characters)'`],
    ['message', `throw new Error('token: expected 3 arguments, got 12')`],
    ['name of a token', `tokenName: 'airgap-session-token-v2'`],
    ['kinds of a parser', `case TokenKind.String2: return { token: 'string-literal-2' };`],
    ['tokenizer', `tokenizer: 'cl100k_base_2024_model'`],
    ['placeholder', `api_key: "your-api-key-1234567890abc"`],
    ['placeholder in brackets', `token = "<your token 12345678>"`],
    ['template', 'const url = `postgres://${user}:${password}@${host}/x`;'],
    ['translation key', `password: 'settings.account.password2'`],
    ['time in a URL', `https://example.org:8080/a@b`],
    ['scp', `git clone ssh://git@example.org:2222/x.git`],
    ['comparison', `if (key === 'ArrowDown12') return next();`],
    ['key of a map', `const cacheKey = 'user-profile-v12-settings';`],
    ['public key of an object', `"key": "workbench.action.toggleSidebar2"`],
    ['tests of a keyboard', `"key": "ctrl+shift+alt+f12"`],
    ['secret in prose', `The secret: never give up, 12 times out of 100.`],
    ['begin of a key as text', `if (text.startsWith('${pem('', 'BEGIN')}')) return 'pem';`],
    ['long identifier', `private readonly accessTokenProviderFactory2 = createAccessTokenProviderFactory2;`],
  ];
  for (const [name, text] of open) it(name, () => assert.equal(hideSecrets(text), text));

  it('long lines are no trap: backtracking over a megabyte would never end', () => {
    const open = 'token password = a '.repeat(60_000);
    assert.equal(hideSecrets(`${open}'${random(100_000)}`).startsWith(open), true);
  });
});
