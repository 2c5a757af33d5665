import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serializeManifest, type Manifest } from '../../archive/manifest';
import { commands, globalOptions } from '../../client/cli/commands';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { collect, requireBuild, runCommand, startCommand } from './built-command';
import {
  freePort,
  modelUuid,
  removeDirectories,
  temporaryDirectory,
  writeConfig,
} from './temporary';

const older = `20260102-030405.${modelUuid}`;
const newer = `20260203-040506.${modelUuid}`;
const broken = `20260304-050607.${modelUuid}`;

let directory: string;

beforeAll(async () => {
  requireBuild();
  directory = await temporaryDirectory();
  await writeConfig(directory, await freePort());
  await storeBackup(older, 'first');
  await storeBackup(newer, 'second\u001b[31m');
  await mkdir(backupDirectory(broken), { recursive: true });
  await writeFile(join(backupDirectory(broken), 'juju-backup.tar.gz'), 'half');
});

afterAll(removeDirectories);

const holdfast = (...args: string[]) => runCommand(args, { cwd: directory });

describe('help', () => {
  it('lists every command of the table, with its summary', async () => {
    const { status, stdout, stderr } = await holdfast('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const { name, summary } of commands.filter((command) => !command.name.includes(' '))) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
      expect(stdout).toContain(summary);
    }
  });

  it.each(commands.map(({ name }) => name))(
    'of %s shows its options and examples',
    async (name) => {
      const spec = commands.find((command) => command.name === name);
      const { status, stdout } = await holdfast(...name.split(' '), '--help');
      expect(status).toBe(0);
      for (const option of [...(spec?.options ?? []), ...globalOptions]) {
        expect(stdout).toContain(`--${option.name}`);
      }
      for (const example of spec?.examples ?? []) expect(stdout).toContain(`$ ${example}`);
    },
  );
});

describe('a wrong command line', () => {
  it.each([
    [[], 'a command is missing', '`holdfast --help`'],
    [['nonsense'], "unknown command 'nonsense'", '`holdfast --help`'],
    [['info'], "missing required argument 'ID'", '`holdfast info --help`'],
    [['list', '--bogus'], "unknown option '--bogus'", '`holdfast list --help`'],
    [['list', 'extra'], 'too many arguments', '`holdfast list --help`'],
    [['restore'], 'name a backup by its ID', '`holdfast restore --help`'],
    [['restore', older, '--latest', '--yes'], 'exclude each other', '`holdfast restore --help`'],
    [['restore', older, '--detach'], 'pass --yes', '`holdfast restore --help`'],
    [['restore', older, '--plan', '--attach'], '--attach follows', '`holdfast restore --help`'],
    [['create', '--metadata-format', '7'], 'takes 0, 1 or 2', '`holdfast create --help`'],
    [['up', '--port', 'x'], '--port takes a port number', '`holdfast up --help`'],
  ])('%j ends with status 2 and says what to ask', async (args, problem, ask) => {
    const { status, stdout, stderr } = await holdfast(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('error: [HF-USAGE-001] ');
    expect(stderr).toContain(problem);
    expect(stderr).toContain(`hint: Run ${ask}`);
  });

  it('is told as one JSON object with --json', async () => {
    const { status, stderr } = await holdfast('list', '--json', '--bogus');
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({
      type: 'error',
      v: 1,
      code: 'HF-USAGE-001',
      exit: 2,
    });
  });

  it('a restore without --yes is refused where nobody can be asked, before anything is started', async () => {
    const { status, stderr, took } = await holdfast('restore', '--latest');
    expect(status).toBe(2);
    expect(stderr).toContain('pass --yes');
    // Nothing was connected to: the SDK alone takes 10 s to find out that nobody listens.
    expect(took).toBeLessThan(8_000);
  });
});

describe('config', () => {
  it('check reports every problem with its line', async () => {
    await writeFile(
      join(directory, 'bad.yaml'),
      'storage:\n  type: file\n  path: s\nlimits:\n  level: 99\nnonsense: 1\n',
    );
    const { status, stderr } = await holdfast('config', 'check', '--config', 'bad.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('[HF-CONFIG-001]');
    expect(stderr).toContain('5:10 limits.level');
    expect(stderr).toContain('6:1 ');
  });

  it('check warns with status 3 of what can be used but should be looked at', async () => {
    const { status, stdout, stderr } = await holdfast('config', 'check');
    expect(status).toBe(3);
    expect(stdout).toContain('holdfast.yaml is good, with warnings');
    expect(stderr).toContain('warning: workspace');
  });

  it('show names the origin of every setting with --origin, and only then', async () => {
    const { status, stdout } = await holdfast('config', 'show', '--origin');
    expect(status).toBe(0);
    const plain = (await holdfast('config', 'show')).stdout;
    expect(plain).toMatch(/^controller\.machine += machine-0$/m);
    expect(stdout).toMatch(/^controller\.machine += machine-0 +\(.*holdfast\.yaml:3:12\)$/m);
    const { stdout: json } = await holdfast('config', 'show', '--json');
    expect(JSON.parse(json)).toMatchObject({ v: 1, config: { storage: { name: 'attic' } } });
  });

  it('a missing file is named with the places looked at', async () => {
    const { status, stderr } = await holdfast('list', '--config', 'missing.yaml');
    expect(status).toBe(2);
    expect(stderr).toContain('[HF-CONFIG-002]');
    expect(stderr).toContain('missing.yaml');
  });
});

describe('list', () => {
  it('shows the newest first, what is incomplete as such, and names quoted', async () => {
    const { status, stdout } = await holdfast('list');
    expect(status).toBe(0);
    const [title, ...lines] = stdout.trimEnd().split('\n');
    expect(title?.split(/\s+/)).toEqual(['ID', 'DATE', 'SIZE', 'STATUS', 'NOTES', 'JUJU']);
    expect(lines.map((line) => line.split(' ')[0])).toEqual([broken, newer, older]);
    expect(lines[0]).toContain('incomplete');
    expect(lines[1]).toContain('"second\\u001b[31m"');
    expect(lines[2]).toMatch(/2026-01-02 03:04:05 UTC +\S+ (B|KiB) +complete +first +3\.6\.1$/);
  });

  it('is one document with --json, and ids alone with --quiet', async () => {
    const { stdout } = await holdfast('list', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      v: 1,
      storage: 'attic',
      backups: [
        { id: broken, status: 'incomplete' },
        { id: newer, status: 'complete' },
        {
          id: older,
          status: 'complete',
          notes: 'first',
          outcome: 'complete',
          jujuVersion: '3.6.1',
        },
      ],
    });
    expect((await holdfast('list', '--quiet')).stdout).toBe(`${broken}\n${newer}\n${older}\n`);
  });

  it('says that there is nothing on stderr, and nothing on stdout', async () => {
    const empty = await temporaryDirectory();
    await writeConfig(empty, 1);
    const { status, stdout, stderr } = await runCommand(['list'], { cwd: empty });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('holds no backups');
  });

  it('is quiet when its reader has enough', async () => {
    const child = startCommand(['list'], { cwd: directory });
    const stderr = collect(child.stderr);
    child.stdout.destroy();
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, stderr: stderr() }).toEqual({ status: 0, stderr: '' });
  });
});

describe('info', () => {
  it("shows Juju's metadata and the MANIFEST's facts", async () => {
    const { status, stdout } = await holdfast('info', older);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^backup ID: +${older}$`, 'm'));
    expect(stdout).toMatch(/^juju version: +3\.6\.1$/m);
    expect(stdout).toMatch(/^mongod: +6\.0\.5, compatibility 6\.0$/m);
    expect(stdout).toMatch(/^can be restored: +yes$/m);
  });

  it('takes the beginning of an id, and gives the whole MANIFEST with --json', async () => {
    const { stdout } = await holdfast('info', '20260102', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ id: older, manifest: { notes: 'first' } });
  });

  it.each([
    [['info', `20200101-000000.${modelUuid}`], 10, 'HF-STORAGE-001'],
    [['info', 'no-id'], 2, 'HF-BACKUP-001'],
    [['info', broken], 13, 'HF-BACKUP-004'],
    [['info', '2026'], 2, 'HF-USAGE-001'],
  ])('%j ends with status %d and %s', async (args, exit, code) => {
    const { status, stdout, stderr } = await holdfast(...args);
    expect({ status, stdout }).toEqual({ status: exit, stdout: '' });
    expect(stderr).toContain(`error: [${code}] `);
    expect(stderr).toContain('hint: ');
  });
});

describe('without a Temporal server', () => {
  it.each([
    [['create', 'notes']],
    [['verify', older]],
    [['restore', older, '--yes']],
    [['worker']],
  ])('%j ends with status 17 within a second and says how to start one', async (args) => {
    const { status, stdout, stderr, took } = await holdfast(...args);
    expect({ status, stdout }).toEqual({ status: 17, stdout: '' });
    expect(stderr).toContain('error: [HF-TEMPORAL-001] no Temporal server answers at 127.0.0.1:');
    expect(stderr).toContain('holdfast up');
    // The SDK alone takes 10 s; a bound nearer to what it takes would measure the machine.
    expect(took).toBeLessThan(8_000);
  });

  it('up names every place where it looked for the Temporal CLI', async () => {
    const { status, stderr } = await holdfast('up', '--no-worker');
    expect(status).toBe(17);
    expect(stderr).toContain('[HF-TEMPORAL-002]');
    expect(stderr).toContain('HOLDFAST_TEMPORAL_CLI (not set), PATH');
    expect(stderr).toContain('--fetch');
  });
});

function backupDirectory(id: string): string {
  return join(directory, 'storage', modelUuid, id);
}

async function storeBackup(id: string, notes: string): Promise<void> {
  const archive = Buffer.from('archive');
  const index = Buffer.from('index');
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const at = id.replace(/^(....)(..)(..)-(..)(..)(..).*$/, '$1-$2-$3T$4:$5:$6Z');
  const stored = { size: archive.length, sha256: sha256(archive) };
  const manifest: Manifest = {
    format: 'holdfast-manifest/1',
    backupId: id,
    owner: 'w/r',
    controller: {
      name: 'prod',
      controllerUuid: '99999999-2222-4333-8444-555555555555',
      modelUuid,
      replicaSetId: 'x',
    },
    hosts: [{ machine: 'machine-0', hostname: 'juju-0' }],
    purpose: 'manual',
    kind: 'full',
    outcome: 'complete',
    chain: null,
    started: at,
    finished: at,
    notes,
    tags: [],
    tool: { name: 'holdfast', version: '0.1.0' },
    metadata: { FormatVersion: 1, Version: '3.6.1', Series: 'jammy', ModelUUID: modelUuid },
    mongo: {
      version: '6.0.5',
      fcv: '6.0',
      replicaSet: 'juju',
      node: '127.0.0.1:37017',
      dataIdentity: 'd',
      oplog: {
        start: { ts: { t: 1, i: 1 }, t: 1 },
        end: { ts: { t: 2, i: 1 }, t: 1 },
        entries: 1,
        firstEntrySha256: null,
      },
    },
    datasets: [],
    files: [
      {
        name: 'juju-backup.tar.gz',
        host: 'machine-0',
        content: { ...stored, sha1Base64: 'c2hhMQ==' },
        stored,
        compression: 'gzip',
        encryption: null,
      },
    ],
    index: { name: 'INDEX', size: index.length, sha256: sha256(index) },
  };
  await mkdir(backupDirectory(id), { recursive: true, mode: 0o700 });
  await writeFile(join(backupDirectory(id), 'juju-backup.tar.gz'), archive);
  await writeFile(join(backupDirectory(id), 'INDEX'), index);
  await writeFile(join(backupDirectory(id), 'MANIFEST'), serializeManifest(manifest));
}

describe('--json', () => {
  it.each([
    ['list', ['list']],
    ['info', ['info', older]],
    ['config check', ['config', 'check']],
    ['config show', ['config', 'show']],
  ] as const)('of %s is what docs/json.md publishes', async (name, args) => {
    const { stdout } = await holdfast(...args, '--json');
    const { success, error } = documentSchemas[name].safeParse(JSON.parse(stdout));
    expect({ success, error }).toEqual({ success: true, error: undefined });
  });

  it('of an error is what docs/json.md publishes', async () => {
    const { stderr } = await holdfast('info', 'no-id', '--json');
    expect(lineSchemas.error.parse(JSON.parse(stderr)).code).toBe('HF-BACKUP-001');
  });
});
