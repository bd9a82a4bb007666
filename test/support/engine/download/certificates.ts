/** A certificate authority of the tests, and a server's certificate of it. */
import { generate } from 'selfsigned';

export interface Certificates {
  /** PEM of the authority. */
  ca: string;
  /** PEMs of a server that is called localhost. */
  cert: string;
  key: string;
}

/** Makes new ones, which take part in no other test. */
export async function makeCertificates(): Promise<Certificates> {
  const common = { keyType: 'ec', algorithm: 'sha256' } as const;
  const authority = await generate([{ name: 'commonName', value: 'Airgap test authority' }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const server = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  return { ca: authority.cert, cert: server.cert, key: server.private };
}
