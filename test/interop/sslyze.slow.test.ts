import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { TlsServerOptions } from '../../ts/index.js';
import { metrics } from '../../ts/index.js';
import { until } from '../support/condition.js';
import type { Issued } from '../support/pki.js';
import { Authority } from '../support/pki.js';
import { requirePython } from '../support/python.js';
import { endsWithItsTest, start } from '../support/test-server.js';
import { testWith } from '../support/where.js';

const python = requirePython('sslyze', '6.3.1');
const withSslyze = testWith(python);

const VERSIONS = ['ssl_2_0', 'ssl_3_0', 'tls_1_0', 'tls_1_1', 'tls_1_2', 'tls_1_3'] as const;
const SCANS = [
  ...['--certinfo', '--sslv2', '--sslv3', '--tlsv1', '--tlsv1_1', '--tlsv1_2', '--tlsv1_3'],
  ...['--reneg', '--resum', '--early_data', '--fallback', '--compression', '--heartbleed', '--openssl_ccs'],
  ...['--robot', '--ems', '--elliptic_curves'],
];

interface Finding {
  status: string;
  result: Record<string, unknown> | null;
}

/** What sslyze says of a server: its verdict in words, and each scan's result. */
interface Report {
  said: string;
  scan: Record<string, Finding>;
  /** The suites that were accepted, for each version. */
  suites: Record<(typeof VERSIONS)[number], string[]>;
  /** How many sessions the server resumed meanwhile. */
  resumed: () => number;
}

let root: Authority;
let leaf: Issued;
let rsa: Issued;
let folder: string;

beforeAll(async () => {
  root = await Authority.root();
  [leaf, rsa] = await Promise.all([root.issue(), root.issue({ kind: 'rsa' })]);
  folder = mkdtempSync(join(tmpdir(), 'millrace-sslyze-'));
  writeFileSync(join(folder, 'ca.pem'), root.cert);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

endsWithItsTest();

const resumptions = (): number =>
  Number(/^millrace_tls_handshakes_total\{kind="resumed"\} (\d+)$/m.exec(metrics.toPrometheus())?.[1]);

/** Scans a server and holds it against one of Mozilla's configurations. */
async function scan(configuration: 'modern' | 'intermediate', tls: Partial<TlsServerOptions> = {}): Promise<Report> {
  const server = await start({
    tls: { cert: leaf.cert, key: leaf.key, ...tls },
    handler: (_req, res) => res.end('fine'),
  });
  const before = resumptions();
  const json = join(folder, 'report.json');
  const args = ['-m', 'sslyze', ...SCANS, '--sni', 'localhost', '--certinfo_ca_file', join(folder, 'ca.pem')];
  args.push(`--mozilla_config=${configuration}`, '--json_out', json, `127.0.0.1:${server.port}`);
  const said = await new Promise<string>((resolve) => {
    // Its status says whether the configuration is kept; what matters of it stands in what it says.
    execFile(python ?? '', args, { timeout: 120_000 }, (_, stdout, stderr) => resolve(stdout + stderr));
  });
  const { server_scan_results: results } = JSON.parse(readFileSync(json, 'utf8')) as {
    server_scan_results: { scan_result: Record<string, Finding> }[];
  };
  const found = results[0].scan_result;
  const accepted = (version: string): string[] =>
    (found[`${version}_cipher_suites`].result?.accepted_cipher_suites as { cipher_suite: { name: string } }[])
      .map(({ cipher_suite: { name } }) => name)
      .sort();
  return {
    said,
    scan: found,
    suites: Object.fromEntries(VERSIONS.map((version) => [version, accepted(version)])) as Report['suites'],
    resumed: () => resumptions() - before,
  };
}

const TLS13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const tls12 = (kind: 'ECDSA' | 'RSA'): string[] =>
  ['AES_128_GCM_SHA256', 'AES_256_GCM_SHA384', 'CHACHA20_POLY1305_SHA256'].map(
    (suite) => `TLS_ECDHE_${kind}_WITH_${suite}`,
  );

withSslyze(
  'sslyze finds nothing on a server as it is without options, and Mozilla’s "intermediate" is kept',
  async () => {
    const { said, scan: found, suites, resumed } = await scan('intermediate');
    expect(said).toMatch(/OK - Compliant/);
    // Headers are the handler's affair, and are not scanned.
    const scans = Object.entries(found).filter(([name]) => name !== 'http_headers');
    expect(scans.map(([name, { status }]) => [name, status])).toEqual(scans.map(([name]) => [name, 'COMPLETED']));

    expect(suites).toEqual({
      ssl_2_0: [],
      ssl_3_0: [],
      tls_1_0: [],
      tls_1_1: [],
      tls_1_2: tls12('ECDSA'),
      tls_1_3: TLS13,
    });
    expect(found.session_renegotiation.result).toEqual({
      supports_secure_renegotiation: true,
      is_vulnerable_to_client_renegotiation_dos: false,
      client_renegotiations_success_count: 0,
    });
    expect(found.tls_compression.result).toEqual({ supports_compression: false });
    expect(found.heartbleed.result).toEqual({ is_vulnerable_to_heartbleed: false });
    expect(found.openssl_ccs_injection.result).toEqual({ is_vulnerable_to_ccs_injection: false });
    expect(found.robot.result).toEqual({ robot_result: 'NOT_VULNERABLE_RSA_NOT_SUPPORTED' });
    expect(found.tls_1_3_early_data.result).toEqual({ supports_early_data: false });
    expect(found.tls_fallback_scsv.result).toEqual({ supports_fallback_scsv: true });
    expect(found.tls_extended_master_secret.result).toEqual({ supports_ems_extension: true });
    expect(found.session_resumption.result).toMatchObject({ session_id_resumption_result: 'FULLY_SUPPORTED' });
    // Of tickets it only sees whether the same one comes back, and each resumption here brings a new one, as a client
    // wants that is not to be followed by it. The server says what became of its attempts: five by id, five by ticket.
    await until(
      () => resumed() === 10,
      () => `${resumed()} sessions were resumed`,
    );
    const curves = found.elliptic_curves.result?.supported_curves as { name: string }[];
    expect(curves.map(({ name }) => name).sort()).toEqual(['X25519', 'secp256r1', 'secp384r1']);
  },
  150_000,
);

withSslyze(
  'with TLS 1.3 alone Mozilla’s "modern" is kept',
  async () => {
    const { said, suites } = await scan('modern', { minVersion: 'TLSv1.3' });
    expect(said).toMatch(/OK - Compliant/);
    expect(suites).toMatchObject({ tls_1_0: [], tls_1_1: [], tls_1_2: [], tls_1_3: TLS13 });
  },
  150_000,
);

withSslyze(
  'with an RSA key, without tickets and with early data it finds just that',
  async () => {
    const {
      said,
      scan: found,
      suites,
      resumed,
    } = await scan('intermediate', {
      cert: rsa.cert,
      key: rsa.key,
      tickets: false,
      maxEarlyData: 16_384,
    });
    expect(said).toMatch(/OK - Compliant/);
    expect(suites.tls_1_2).toEqual(tls12('RSA'));
    expect(found.robot.result).toEqual({ robot_result: 'NOT_VULNERABLE_RSA_NOT_SUPPORTED' });
    expect(found.tls_1_3_early_data.result).toEqual({ supports_early_data: true });
    expect(found.session_resumption.result).toMatchObject({
      session_id_resumption_result: 'FULLY_SUPPORTED',
      tls_ticket_resumption_result: 'NOT_SUPPORTED',
    });
    // Five by id, and the one that sent early data.
    await until(
      () => resumed() === 6,
      () => `${resumed()} sessions were resumed`,
    );
  },
  150_000,
);
