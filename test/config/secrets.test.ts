import { execFileSync } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { readSecret } from '../../config/secret-reference';
import { temporalConnection } from '../../config/temporal';
import { prepareWorkspace } from '../../config/workspace';
import { refusal } from '../storage/refusal';
import { bareEnvironment, Temporary } from './temporary';

let temporary: Temporary;
beforeEach(async () => {
  temporary = await Temporary.create();
});
afterEach(() => temporary.remove());

const environment = bareEnvironment({ variables: { GOOD: 'from env', EMPTY: '' } });

describe('a secret', () => {
  it('is read from a file or a variable, and never printed', async () => {
    const file = await temporary.write('secret', 'from file\n');
    const secret = await readSecret({ file }, environment);
    expect(secret.reveal()).toBe('from file');
    expect(`${secret.toString()} ${JSON.stringify({ secret })} ${inspect(secret)}`).not.toContain(
      'from file',
    );
    expect((await readSecret({ env: 'GOOD' }, environment)).reveal()).toBe('from env');
  });

  it.each([0o644, 0o604, 0o660, 0o602])('in a file of mode %o is refused', async (mode) => {
    const file = await temporary.write('secret', 'canary', mode);
    const error = await refusal(readSecret({ file }, environment));
    expect(error.code).toBe('HF-CONFIG-003');
    expect(error.message).toMatch(/; it must be 0600, or 0640 owned by root$/);
  });

  it('in a file of mode 0640 is taken only where root owns it', async () => {
    const file = await temporary.write('secret', 'lent', 0o640);
    const asRoot = process.geteuid?.() === 0;
    const read = readSecret({ file }, environment).then((secret) => secret.reveal());
    if (asRoot) expect(await read).toBe('lent');
    else await expect(read).rejects.toMatchObject({ code: 'HF-CONFIG-003' });
  });

  it('that is missing, empty, a directory or a pipe says why at once', async () => {
    const refused = async (reference: { file: string } | { env: string }, reason: string) => {
      const error = await refusal(readSecret(reference, environment));
      expect(error.code).toBe('HF-CONFIG-003');
      expect(error.params['reason']).toContain(reason);
    };
    await refused({ env: 'MISSING' }, 'the variable is not set');
    await refused({ env: 'EMPTY' }, 'the variable is empty');
    await refused({ file: join(temporary.path, 'missing') }, 'ENOENT');
    await refused({ file: await temporary.write('empty', '\n') }, 'it is empty');
    await refused({ file: temporary.path }, 'it is not a regular file');
    const pipe = join(temporary.path, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await refused({ file: pipe }, 'it is not a regular file');
  });
});

describe('a connection to Temporal', () => {
  const config = { address: 'a:1', namespace: 'n', tls: undefined, apiKey: undefined };

  it('has no TLS unless something asks for it; an API key does', async () => {
    expect(await temporalConnection(config, bareEnvironment())).toEqual({
      address: 'a:1',
      namespace: 'n',
      tls: false,
      apiKey: undefined,
      metadata: {},
    });
    const variables = { TEMPORAL_API_KEY: 'canary', TEMPORAL_GRPC_META_X_TEAM: 'backup' };
    const connection = await temporalConnection(config, bareEnvironment({ variables }));
    expect(connection.tls).toBe(true);
    expect(connection.apiKey?.reveal()).toBe('canary');
    expect(connection.metadata).toEqual({ 'x-team': 'backup' });
    expect(`${JSON.stringify(connection)} ${inspect(connection)}`).not.toContain('canary');
  });

  it('takes certificates from the file, and single ones from variables', async () => {
    const caFile = await temporary.write('ca.pem', 'file ca');
    const certFile = await temporary.write('cert.pem', 'file cert');
    const keyFile = await temporary.write('key.pem', 'file key');
    const tls = { caFile, certFile, keyFile, serverName: undefined };
    const variables = {
      TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'variable ca',
      TEMPORAL_TLS_SERVER_NAME: 'temporal.test',
    };
    const connection = await temporalConnection({ ...config, tls }, bareEnvironment({ variables }));
    if (typeof connection.tls === 'boolean') throw new Error('no TLS');
    const { serverRootCACertificate, clientCertPair, serverNameOverride } = connection.tls;
    const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();
    expect(text(serverRootCACertificate)).toBe('variable ca');
    expect(text(clientCertPair?.crt)).toBe('file cert');
    expect(text(clientCertPair?.key)).toBe('file key');
    expect(serverNameOverride).toBe('temporal.test');
  });

  it('refuses a key file that others can read', async () => {
    const keyFile = await temporary.write('key.pem', 'key', 0o644);
    const tls = { caFile: undefined, certFile: undefined, keyFile, serverName: undefined };
    await expect(temporalConnection({ ...config, tls }, bareEnvironment())).rejects.toMatchObject({
      code: 'HF-CONFIG-003',
    });
  });

  it('tells what is wrong with a profile without a line of it', async () => {
    const toml = await temporary.write('t.toml', '[profile.default]\napi_key = "canary\n');
    const variables = { TEMPORAL_CONFIG_FILE: toml };
    const error: unknown = await temporalConnection(config, bareEnvironment({ variables })).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'HF-CONFIG-001' });
    expect(inspect(error)).toContain('Invalid TOML document');
    expect(inspect(error)).not.toContain('canary');
  });
});

describe('the workspace', () => {
  it('is made with mode 0700, and refused when others can reach it', async () => {
    const path = join(temporary.path, 'deep/work');
    await prepareWorkspace(path, environment);
    await prepareWorkspace(path, environment);
    const open = join(temporary.path, 'open');
    await mkdir(open, { mode: 0o755 });
    await expect(prepareWorkspace(open, environment)).rejects.toMatchObject({
      code: 'HF-WORKSPACE-001',
      message: `workspace ${open} cannot be used: its mode is 0755`,
    });
    const file = await temporary.write('file', '');
    await expect(prepareWorkspace(file, environment)).rejects.toMatchObject({
      code: 'HF-WORKSPACE-001',
    });
  });
});
