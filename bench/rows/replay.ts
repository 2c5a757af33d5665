import { rm } from 'node:fs/promises';
import { databaseClient } from '../../examples/controller/database';
import { exampleAccess } from '../../examples/controller/run-controller';
import type { Bench } from '../bench';
import { ratio, type RowResult } from '../figures';
import { measureCommand } from '../meter';
import { connectionArguments } from '../peers';
import { replayDatabase, replayCollection, writeReplayWindow } from '../replay-window';
import { measureSteps } from '../step-process';

const role = 'bench-oplog';

/** An oplog window of many operations, transactions among them. */
export async function replayRow(bench: Bench): Promise<RowResult> {
  const { site } = bench;
  const { operations, profile, programs } = bench.options;
  await site.stopWorkers();
  const directory = await bench.scratch('replay');
  const client = databaseClient(exampleAccess(site.example));
  const admin = client.db('admin');
  try {
    const window = await writeReplayWindow(client, directory, operations);
    bench.options.say(`  ${window.operations} operations in ${window.entries} entries`);
    // What mongorestore wants for --oplogReplay, as Juju 2.x granted it.
    const privileges = [{ resource: { anyResource: true }, actions: ['anyAction'] }];
    await admin.command({ createRole: role, privileges, roles: [] });
    await admin.command({ grantRolesToUser: 'machine-0', roles: [role] });
    const left = async (): Promise<void> => {
      const found = await client.db(replayDatabase).collection(replayCollection).countDocuments();
      if (found === window.left) return;
      throw new Error(`${found} documents after the replay, ${window.left} before`);
    };
    const measured = await bench.alternate([
      {
        name: 'holdfast replay',
        run: async () => {
          const args = [site.example.configFile, directory, String(window.left)];
          const meter = await bench.meter();
          const { sample } = await measureSteps('steps/replay.js', args, { ...meter, profile });
          return sample;
        },
      },
      {
        name: 'mongorestore --oplogReplay',
        // It takes minutes.
        rounds: 1,
        run: async () => {
          const { sample } = await measureCommand(
            programs.mongorestore,
            ['--oplogReplay', '--drop', ...connectionArguments(site.example), directory],
            await bench.meter(),
          );
          await left();
          return sample;
        },
      },
    ]);
    const [own, peer] = measured;
    return {
      title: 'Oplog replay',
      table: measured,
      verdicts: ratio('oplog replay, against mongorestore --oplogReplay', own, peer, 30),
      notes: [
        `${window.operations} operations (a half inserts, 35 % updates, 15 % deletes, a tenth of all in transactions) in ${window.entries} entries; mongorestore ran once.`,
        'Why mongorestore is slow: it sends one applyOps for each operation, also for those inside transactions, and without a write concern of its own (`--writeConcern` does not reach it). Since 5.0 the default of mongod is majority, so mongod syncs its journal once for every operation, and the next one waits for that: 6,004 syncs were counted for 6,000 operations. With a default of `w: 1` set on the server there were 60, and the same replay took a third of the time and less than half of the cpu. Holdfast sends up to 2,000 operations in a command.',
      ],
    };
  } finally {
    await admin.command({ revokeRolesFromUser: 'machine-0', roles: [role] }).catch(() => undefined);
    await admin.command({ dropRole: role }).catch(() => undefined);
    await client.db(replayDatabase).dropDatabase();
    await client.close();
    await rm(directory, { recursive: true, force: true });
  }
}
