import { topLevelPaths, type EntryPlace } from '../../controller/top-level-paths';
import { thrown } from './temporary';

const file = (path: string): EntryPlace => ({ path, type: 'file' });
const directory = (path: string): EntryPlace => ({ path, type: 'directory' });
const data = 'var/lib/juju';

describe('the paths a restore swaps', () => {
  test('are the children of the data directory, its agents and units, and single files elsewhere', () => {
    const entries = [
      directory('var'),
      directory(data),
      directory(`${data}/tools`),
      { path: `${data}/tools/machine-0`, type: 'symlink' } as const,
      file(`${data}/tools/2.9.51-ubuntu-amd64/jujud`),
      file(`${data}/system-identity`),
      directory(`${data}/agents`),
      directory(`${data}/agents/machine-0`),
      file(`${data}/agents/machine-0/agent.conf`),
      directory(`${data}/init`),
      file(`${data}/init/jujud-machine-0/exec-start.sh`),
      directory('home/ubuntu/.ssh'),
      file('home/ubuntu/.ssh/authorized_keys'),
      file('var/snap/juju-db/common/shared-secret'),
    ];
    expect(topLevelPaths(entries, '/var/lib/juju')).toEqual([
      'home/ubuntu/.ssh/authorized_keys',
      `${data}/agents/machine-0`,
      `${data}/init/jujud-machine-0`,
      `${data}/system-identity`,
      `${data}/tools`,
      'var/snap/juju-db/common/shared-secret',
    ]);
  });

  test('are the same for archives without directory entries', () => {
    expect(topLevelPaths([file(`${data}/tools/2.9/jujud`)], '/var/lib/juju/')).toEqual([
      `${data}/tools`,
    ]);
  });

  test.each([
    file(data),
    file('var'),
    file(`${data}/db/WiredTiger`),
    directory(`${data}/db`),
    file(`${data}/agents`),
    file('/etc/passwd'),
    file(`${data}/../x`),
    file(`${data}//x`),
    file('./x'),
    file(''),
    file('a\0b'),
    file(`${data}/.hf-old-run-1`),
  ])('never include $path of type $type', (entry) => {
    expect(thrown(() => topLevelPaths([entry], '/var/lib/juju'))).toMatchObject({
      code: 'HF-FILES-001',
    });
  });
});
